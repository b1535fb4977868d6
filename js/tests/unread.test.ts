import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents } from "../src/protocol";
import { emptyRoom, reduce, type Room } from "../src/room";
import { Unread, type Bookmarks } from "../src/unread";
import { ANA, BEN, posted } from "./fakes";

function shelf(): Bookmarks & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return { kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

const grow = (room: Room, ...events: object[]): Room => decodeEvents("lobby", events).events.reduce(reduce, room);
const begin = (count: number): Room => grow(emptyRoom("e1"), ...Array.from({ length: count }, (_, index) => posted(index + 1, `${index}`)));

test("nothing is new to who comes for the first time, nor while one reads along", () => {
  const unread = new Unread(shelf());
  let room = begin(3);
  assert.equal(unread.look(room, ANA, true, true), null);
  room = grow(room, posted(4, "d"));
  assert.equal(unread.look(room, ANA, true, true), null);
});

test("the first message that came while one was away is marked when one comes back, and until one leaves again", () => {
  const unread = new Unread(null);
  let room = begin(1);
  unread.look(room, ANA, true, true);
  unread.look(room, ANA, false, true);
  room = grow(room, posted(2, "mine", { by: ANA.id }), posted(3, "c"), posted(4, "d"));
  unread.look(room, ANA, false, true);
  assert.equal(unread.look(room, ANA, true, true), "e3");
  room = grow(room, posted(5, "e"));
  assert.equal(unread.look(room, ANA, true, false), "e3");
  assert.equal(unread.look(room, ANA, false, true), "e5");
  unread.look(room, ANA, true, true);
  assert.equal(unread.look(room, ANA, false, true), null);
});

test("who reads further up finds what came since, and it is not new any more once one has answered", () => {
  const unread = new Unread(null);
  let room = begin(2);
  unread.look(room, ANA, true, true);
  unread.look(room, ANA, true, false);
  room = grow(room, posted(3, "c"));
  assert.equal(unread.look(room, ANA, true, false), "e3");
  assert.equal(unread.look(room, ANA, true, true), "e3");
  unread.forget();
  assert.equal(unread.look(room, ANA, true, true), null);
});

test("a page that is loaded again knows where one was, in the same log and as the same member", () => {
  const kept = shelf();
  new Unread(kept).look(begin(2), ANA, true, true);
  const room = begin(4);
  assert.equal(new Unread(kept).look(room, ANA, true, true), "e3");
  assert.equal(new Unread(kept).look(room, ANA, true, true), null);
  new Unread(kept).look(begin(2), ANA, true, true);
  assert.equal(new Unread(kept).look(room, BEN, true, true), null);
  assert.equal(new Unread(kept).look({ ...room, position: { ...room.position, epoch: "e2" } }, ANA, true, true), null);
});

test("a room that was read before is known to have something new, and one never read is not", () => {
  const kept = shelf();
  const unread = new Unread(kept);
  unread.look(begin(2), ANA, true, true);
  assert.deepEqual([2, 3].map((seq) => unread.isNew({ epoch: "e1", seq })), [false, true]);
  assert.equal(unread.isNew({ epoch: "other", seq: 9 }), false);
});

test("places of many rooms are bounded, and a broken storage is like none", () => {
  const kept = shelf();
  for (let room = 0; room < 120; room += 1) new Unread(kept).look({ ...emptyRoom(`e${room}`), live: true }, ANA, true, true);
  assert.equal(Object.keys(JSON.parse(kept.kept.get("nbgroupchat.read") ?? "") as object).length, 100);
  for (const broken of ["{", "[1]", "3", '{"e1": 4}']) {
    const other = shelf();
    other.kept.set("nbgroupchat.read", broken);
    assert.equal(new Unread(other).look(begin(2), ANA, true, true), null);
  }
  const full: Bookmarks = { getItem: () => null, setItem: () => { throw new Error("QuotaExceededError"); } };
  assert.equal(new Unread(full).look(begin(2), ANA, true, true), null);
});
