import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents, decodeHistoryAnswer, decodeJoined, type RoomEvent } from "../src/protocol";
import { Gap, emptyRoom, join, prepend, reduce, type Room } from "../src/room";
import { ANA, BEN, closed, edited, frames, joinedAnswer, live, opened, pinned, posted, reacted, redacted } from "./fakes";

interface Fold { name: string; base: number; events: object[]; state?: object; gap?: boolean }

function fold(room: Room, ...events: object[]): Room {
  return decodeEvents("lobby", events).events.reduce(reduce, room);
}

/** A room as `folds.json` writes it. */
function written(room: Room): object {
  const { agent, slow_seconds, hours, locked, anonymous } = room.policy;
  return {
    seq: room.position.seq, eid: room.position.eid, live: room.live, typing: [...room.typing].sort(),
    pieces: Object.fromEntries(room.drafts), members: room.members.map(({ id }) => id), status: room.status.state,
    waiting: Object.fromEntries(room.waiting), pinned: [...room.pinned],
    policy: { agent, slow_seconds, hours: [...hours], locked, anonymous },
    messages: [...room.messages.values()],
  };
}

for (const frame of frames<Fold>("folds")) {
  test(`folds: ${frame.name}`, () => {
    const run = (): Room => fold(emptyRoom("e1", frame.base), ...frame.events);
    if (frame.gap === true) assert.throws(run, Gap);
    else assert.deepEqual(written(run()), frame.state);
  });
}

test("reducing changes no earlier value, and shares what stayed", () => {
  const before = fold(emptyRoom("e1"), posted(1, "hi"), opened(2, "e1"));
  const kept = structuredClone(written(before));
  const after = fold(before, { type: "delta", id: "e2", from: 0, to: 1, text: "Hello" });
  assert.deepEqual(written(before), kept);
  assert.notEqual(after.messages.get("e2"), before.messages.get("e2"));
  assert.equal(after.messages.get("e1"), before.messages.get("e1"));
  assert.equal(after.members, before.members);
});

test("a tail keeps what is held, and forgets what is told anew", () => {
  const before = fold(emptyRoom("e1"), posted(1, "hi"), live(1), { type: "presence", members: [ANA, BEN] }, {
    type: "typing", by: BEN.id, on: true,
  });
  const after = join(before, decodeJoined(joinedAnswer({ mode: "tail", base: 1 })));
  assert.equal(after.messages.size, 1);
  assert.deepEqual([after.live, after.members.length, after.typing.size, after.base], [false, 0, 0, 0]);
});

test("a snapshot starts over at its base", () => {
  const before = fold(emptyRoom("e1"), posted(1, "hi"), opened(2, "e1"));
  const position = { epoch: "e2", seq: 40, eid: "x" };
  const after = join(before, decodeJoined(joinedAnswer({ base: 30, position })));
  assert.deepEqual([after.messages.size, after.drafts.size, after.base], [0, 0, 30]);
  assert.deepEqual(after.position, { epoch: "e2", seq: 30, eid: "" });
});

test("an unknown durable event takes its place and says nothing", () => {
  const after = fold(emptyRoom("e1"), posted(1, "hi"), { type: "painted", seq: 2, eid: "x", ts: 1, by: "m1" }, posted(3, "ho"));
  assert.deepEqual([after.position.seq, after.messages.size], [3, 2]);
});

const history = (...events: object[]): ReturnType<typeof decodeHistoryAnswer> =>
  decodeHistoryAnswer({ events, more: false });

test("history is put before what is held, in order", () => {
  const room = prepend(fold(emptyRoom("e1", 2), posted(3, "c")), history(posted(1, "a"), posted(2, "b")));
  assert.deepEqual([...room.messages.values()].map(({ text }) => text), ["a", "b", "c"]);
  assert.deepEqual([room.base, room.position.seq], [0, 3]);
});

test("history that does not end where the room begins is left out", () => {
  const room = fold(emptyRoom("e1", 2), posted(3, "c"));
  assert.equal(prepend(room, history(posted(1, "a"))), room);
  assert.equal(prepend(room, history()), room);
});

test("a reply that opened in the history and closed after it is whole", () => {
  const held = fold(emptyRoom("e1", 2), posted(3, "c"), closed(4, "e2", "the answer"));
  const room = prepend(held, history(posted(1, "a"), opened(2, "e1")));
  assert.deepEqual([room.messages.get("e2")?.text, room.messages.get("e2")?.status], ["the answer", "complete"]);
});

test("a reply that opened in the history and is still open is closed later", () => {
  const room = prepend(fold(emptyRoom("e1", 2), posted(3, "c")), history(posted(1, "a"), opened(2, "e1")));
  assert.equal(room.messages.get("e2")?.status, "open");
  assert.equal(fold(room, closed(4, "e2", "late")).messages.get("e2")?.text, "late");
});

test("edits, redactions and closes that come before their message's page are applied with it", () => {
  const held = fold(
    emptyRoom("e1", 4), closed(5, "e4", "the answer"), edited(6, "e1", "first"), redacted(7, "e2"), edited(8, "e1", "second"),
    redacted(9, "e4"),
  );
  const page = history(posted(1, "a"), posted(2, "b"), posted(3, "c"), opened(4, "e1"));
  const room = prepend(held, page);
  const told = [...room.messages.values()].map(({ text, status, edited, redacted }) => [text, status, edited, redacted]);
  assert.deepEqual(told, [
    ["second", "posted", true, false], ["", "posted", false, true], ["c", "posted", false, false], ["", "complete", false, true],
  ]);
  assert.equal(room.changes.size, 0);
});

test("changes wait for their message over several pages, and later ones win", () => {
  let room = fold(emptyRoom("e1", 4), edited(5, "e1", "newest"), redacted(6, "e2"));
  room = prepend(room, history(edited(3, "e1", "newer"), edited(4, "e2", "newer")));
  assert.deepEqual([...room.changes.keys()].sort(), ["e1", "e2"]);
  room = prepend(room, history(posted(1, "a"), posted(2, "b")));
  assert.deepEqual([...room.messages.values()].map(({ text }) => text), ["newest", ""]);
  assert.equal(room.changes.size, 0);
});

test("whatever the page, a room read backwards is the room read from its start", () => {
  const events = [
    posted(1, "a"), posted(2, "b"), opened(3, "e2"), edited(4, "e1", "A"), closed(5, "e3", "c"), pinned(6, "e1", "e3"),
    redacted(7, "e3"), edited(8, "e2", "B"), posted(9, "d"), redacted(10, "e1"), edited(11, "e2", "BB"),
    reacted(12, "e2", "👍"), reacted(13, "e9", "🎉"), reacted(14, "e2", "👍", { on: false }), reacted(15, "e2", "🎉"), reacted(16, "e3", ""),
  ];
  const whole = fold(emptyRoom("e1"), ...events);
  for (let one = 1; one < events.length; one += 1) {
    for (let two = one + 1; two < events.length; two += 1) {
      let room = fold(emptyRoom("e1", two), ...events.slice(two));
      for (const page of [events.slice(one, two), events.slice(0, one)]) room = prepend(room, history(...page));
      assert.deepEqual([...room.messages.values()], [...whole.messages.values()], `${one} ${two}`);
      assert.equal(room.changes.size, 0);
    }
  }
});

test("what an older page says of pins is over", () => {
  const room = prepend(fold(emptyRoom("e1", 2), pinned(3, "e1")), history(posted(1, "a"), pinned(2)));
  assert.deepEqual(room.pinned, ["e1"]);
});

test("a snapshot says what is pinned, a tail goes on with it", () => {
  const snapshot = join(emptyRoom(), decodeJoined(joinedAnswer({ pinned: ["x"] })));
  assert.deepEqual(snapshot.pinned, ["x"]);
  const tail = join(fold(snapshot, pinned(1, "y")), decodeJoined(joinedAnswer({ mode: "tail", pinned: ["z"] })));
  assert.deepEqual(tail.pinned, ["y"]);
});

test("every prefix of a fold, then the rest, gives the same as all at once", () => {
  for (const { base, events: told, gap } of frames<Fold>("folds")) {
    if (gap === true) continue;
    const events: RoomEvent[] = decodeEvents("lobby", told).events;
    const whole = written(events.reduce(reduce, emptyRoom("e1", base)));
    for (let cut = 0; cut <= events.length; cut += 1) {
      const half = events.slice(0, cut).reduce(reduce, emptyRoom("e1", base));
      assert.deepEqual(written(events.slice(cut).reduce(reduce, half)), whole);
    }
  }
});
