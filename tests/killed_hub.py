"""A hub in a process of its own, to be killed: members post and the agent writes without an end.

`python -m tests.killed_hub FILE RUN` prints a line of JSON for each thing a member knows: what was acknowledged, and
how far a reply was told. What it has printed must be found in the file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta
from nbgroupchat.seat import Seat
from tests.clients import FakeClient, Nobody, plain

ROOMS = ("one", "two", "three")
PEOPLE = ("ana", "ben")


def say(**known: object) -> None:
    """Print a line in one write, so that a kill leaves no half of one but the last."""
    os.write(1, json.dumps(known).encode() + b"\n")


async def post(ana: FakeClient, room: str, run: str) -> None:
    """Post for ever; the text is the client's id, so that a second copy is seen."""
    number = 0
    while True:
        cid = f"{run} {ana.name} {number}"
        answer = await ana.post(cid, room, cid)
        say(room=room, who=ana.name, cid=cid, id=answer.id, seq=answer.seq)
        number += 1


async def answer(reader: FakeClient, seat: Seat, room: str, run: str) -> None:
    """Write replies for ever; every seventh is stopped in its middle, as a lost model would leave it."""
    number = 0
    while True:
        reply = await seat.open_reply(room, f"nobody's question {run} {number}", reader.rooms[room].position.seq)
        for piece in range(5 + number % 40):
            await seat.write(room, Delta(reply, piece, piece + 1, f"{piece} "))
            say(room=room, reply=reply, text=reader.rooms[room].messages[reply].text)
        await seat.close_reply(room, reply, "complete" if number % 7 else "interrupted")
        say(room=room, reply=reply, text=reader.rooms[room].messages[reply].text, closed=True)
        number += 1


async def main(path: Path, run: str) -> None:
    """Go on until killed."""
    hub = Hub(SqliteBackplane(path), plain)
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    busy = []
    for room in ROOMS:
        for name in PEOPLE:
            member = FakeClient(hub, name)
            await member.join(room)
            busy.append(post(member, room, run))
        busy.append(answer(member, seat, room, run))
    await asyncio.gather(*busy)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
