"""Takes what is to be attached, and gives what was: the hub's part in attachments.

This module touches trust. It covers: only who sent something can attach it, in the room it was sent to; what no message
of a room has attached is not there, whether another room has it or not, and what is given is what was sent. It does not
cover who may be in a room, which is the hub's and the server's to say.
"""

from __future__ import annotations

from nbgroupchat.attachment import MAX_PART
from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.channel import Client
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import Download, DownloadAnswer, Post, Upload, UploadAnswer
from nbgroupchat.uploads import Uploaded, Uploads


class Attachments:
    """The attachments of one backplane's rooms."""

    def __init__(self, backplane: Backplane) -> None:
        self._backplane = backplane
        self._uploads = Uploads()

    def upload(self, client: Client, command: Upload) -> UploadAnswer:
        """Take a part of something to be attached. Raises Refusal."""
        return UploadAnswer(self._uploads.take(client, command))

    def of(self, client: Client, command: Post) -> tuple[Uploaded, ...]:
        """Give what a post attaches. Raises Refusal where it was not sent before."""
        return self._uploads.of(client, command)

    def posted(self, client: Client, command: Post) -> None:
        """Hold no more what is in the log now."""
        self._uploads.used(client, command)

    def forget(self, client: Client) -> None:
        """Hold nothing any more of a client that is gone."""
        self._uploads.forget(client)

    async def download(self, command: Download) -> DownloadAnswer:
        """Give a part of an attachment. Raises Refusal."""
        data = await self.read(command.room, command.id)
        return DownloadAnswer(data[command.at : command.at + MAX_PART], len(data))

    async def read(self, room: str, id_: str) -> bytes:
        """Give an attachment of a room. Raises Refusal with `not_found` where no message there has it."""
        data = await self._backplane.attachment(room, id_)
        if data is None:
            raise Refusal(Code.NOT_FOUND, "There is no such attachment in this room. It may have been removed.")
        return data
