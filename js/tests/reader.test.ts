import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wire } from "../src/outbox";
import { PLAIN, decodeEvents } from "../src/protocol";
import { Reader } from "../src/reader";
import { FakeClock, FakeHub, closed, frames, joinedAnswer, live, opened, posted, settle } from "./fakes";

function reading(): { clock: FakeClock; hub: FakeHub; wire: Wire; reader: Reader; hear: (...events: object[]) => void } {
  const clock = new FakeClock();
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  const reader = new Reader("lobby", clock);
  return { clock, hub, wire, reader, hear: (...events) => reader.hear(decodeEvents("lobby", events).events) };
}

const texts = (reader: Reader): string[] => [...reader.snapshot.room.messages.values()].map(({ text }) => text);

test("the first join has the room and the version, and nothing else", () => {
  const { hub, wire, reader } = reading();
  reader.connected(wire);
  assert.deepEqual(hub.last("join").argument, { room: "lobby", wire: 1 });
  assert.equal(reader.snapshot.link, "connecting");
});

test("it is live after the entries", async () => {
  const { hub, wire, reader, hear } = reading();
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ position: { epoch: "e1", seq: 1, eid: "e1" } }));
  hear(posted(1, "hi"));
  assert.equal(reader.snapshot.link, "connecting");
  hear(live(1));
  assert.equal(reader.snapshot.link, "live");
  assert.deepEqual(texts(reader), ["hi"]);
});

test("entries that are heard before the answer is seen are folded in after it", async () => {
  const { hub, wire, reader, hear } = reading();
  reader.connected(wire);
  const answered = hub.last("join").answer(joinedAnswer());
  hear(posted(1, "hi"), live(1));
  await answered;
  assert.deepEqual([texts(reader), reader.snapshot.link], [["hi"], "live"]);
});

async function inTheMiddle(): Promise<ReturnType<typeof reading>> {
  const all = reading();
  all.reader.connected(all.wire);
  await all.hub.last("join").answer(joinedAnswer());
  all.hear(posted(1, "hi"), opened(2, "e1"), live(2), { type: "delta", id: "e2", from: 0, to: 3, text: "Hel" });
  return all;
}

test("after a lost connection it joins where it was, with the pieces it has", async () => {
  const { hub, wire, reader } = await inTheMiddle();
  reader.disconnected();
  assert.equal(reader.snapshot.link, "reconnecting");
  reader.connected(wire);
  assert.deepEqual(hub.last("join").argument, {
    room: "lobby", wire: 1, resume: { epoch: "e1", seq: 2, eid: "e2" }, have: { e2: 3 },
  });
});

test("a tail goes on in the middle of a reply", async () => {
  const { hub, wire, reader, hear } = await inTheMiddle();
  reader.disconnected();
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ mode: "tail", base: 2, position: { epoch: "e1", seq: 3, eid: "e3" } }));
  hear(posted(3, "more"), live(3), { type: "delta", id: "e2", from: 3, to: 4, text: "lo" });
  assert.deepEqual(texts(reader), ["hi", "Hello", "more"]);
});

test("a gap leads to another join, and stale entries on the way do not disturb it", async () => {
  const { hub, reader, hear } = await inTheMiddle();
  hear(posted(5, "five"));
  assert.equal(hub.all("join").length, 2);
  assert.deepEqual(hub.last("join").argument["resume"], { epoch: "e1", seq: 2, eid: "e2" });
  hear(posted(6, "six"));
  await hub.last("join").answer(joinedAnswer({ mode: "tail", base: 2, position: { epoch: "e1", seq: 6, eid: "e6" } }));
  hear(posted(3, "three"), posted(4, "four"), posted(5, "five"), posted(6, "six"), live(6));
  assert.deepEqual(texts(reader), ["hi", "Hel", "three", "four", "five", "six"]);
  assert.equal(hub.all("join").length, 2);
});

test("a replay that ends too early is a gap", async () => {
  const { hub, wire, reader, hear } = reading();
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer());
  hear(posted(1, "one"), posted(3, "three"), live(3));
  assert.equal(hub.all("join").length, 2);
});

test("joins that follow each other are slowed down", async () => {
  const { clock, hub, reader } = await inTheMiddle();
  reader.lost();
  assert.equal(hub.all("join").length, 2);
  reader.lost();
  assert.equal(hub.all("join").length, 2);
  await clock.pass(500);
  assert.equal(hub.all("join").length, 3);
});

test("what is heard while away is ignored", async () => {
  const { reader, hear } = await inTheMiddle();
  reader.disconnected();
  hear(posted(3, "ghost"));
  assert.deepEqual(texts(reader), ["hi", "Hel"]);
});

test("another version is told, and not tried again", async () => {
  const { clock, hub, wire, reader } = reading();
  reader.connected(wire);
  await hub.last("join").answer({ error: { code: "version", message: "Reload.", retry_ms: null } });
  await clock.pass(120_000);
  assert.deepEqual([reader.snapshot.link, reader.snapshot.problem?.kind], ["refused", "version"]);
  assert.equal(hub.all("join").length, 1);
});

test("a server that is full is asked again after the time it gave", async () => {
  const { clock, hub, wire, reader } = reading();
  reader.connected(wire);
  await hub.last("join").answer({ error: { code: "too_many", message: "Full.", retry_ms: 2_000 } });
  await clock.pass(2_000);
  assert.equal(hub.all("join").length, 2);
});

test("a post that is heard before it is acknowledged stands there once", async () => {
  const { hub, reader, hear } = await inTheMiddle();
  reader.post("cafe\u0301\r\nau lait");
  assert.equal(reader.snapshot.pending.length, 1);
  hear(posted(3, "caf\u00e9\nau lait", { by: "m1" }));
  assert.equal(reader.snapshot.pending.length, 0);
  await hub.last("post").answer({ id: "e3", seq: 3, duplicate: false });
  assert.equal(reader.outbox.pending.length, 0);
});

test("a post said before with the same words does not hide a new one", async () => {
  const { reader, hear } = await inTheMiddle();
  hear(posted(3, "yes", { by: "m1" }));
  reader.post("yes");
  assert.equal(reader.snapshot.pending.length, 1);
});

test("a post waits for the connection, and goes after the join", async () => {
  const { hub, wire, reader } = await inTheMiddle();
  reader.disconnected();
  reader.post("later");
  reader.connected(wire);
  assert.equal(hub.all("post").length, 0);
  await hub.last("join").answer(joinedAnswer({ mode: "tail", base: 2 }));
  assert.equal(hub.last("post").argument["text"], "later");
});

test("a post carries no NUL and no half of a surrogate pair", async () => {
  const { hub, reader } = await inTheMiddle();
  reader.post("a\0b\ud83ec🦙");
  assert.equal(hub.last("post").argument["text"], "ab\ufffdc🦙");
});

test("history asks for what is before the oldest entry held, once at a time", async () => {
  const { hub, wire, reader, hear } = reading();
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ base: 2, position: { epoch: "e1", seq: 3, eid: "e3" } }));
  hear(posted(3, "three"), live(3));
  assert.equal(reader.snapshot.history, "more");
  void reader.history();
  void reader.history();
  assert.deepEqual(hub.all("history").map(({ argument }) => argument), [{ room: "lobby", before: 3, limit: 100 }]);
  await hub.last("history").answer({ events: [posted(1, "one"), posted(2, "two")], more: false });
  assert.deepEqual([texts(reader), reader.snapshot.history], [["one", "two", "three"], "none"]);
});

test("a change on its way is told with its message, an edit of one that is gone stands alone", async () => {
  const { reader } = await inTheMiddle();
  reader.edit("e1", "hi\0 there");
  reader.edit("elsewhere", "text");
  reader.redact("e1");
  const { changes, pending } = reader.snapshot;
  assert.deepEqual([changes.get("e1")?.method, changes.get("elsewhere")?.method], ["redact", "edit"]);
  assert.deepEqual(pending.map((one) => one.text), ["text"]);
  assert.deepEqual(reader.outbox.pending.map((one) => ("text" in one ? one.text : "")), ["hi there", "text", ""]);
});

test("an explanation is given as it comes, a refusal too, and nothing where no answer came", async () => {
  const { hub, reader } = await inTheMiddle();
  const [explanation] = frames<{ type: string; result: Record<string, unknown> }>("answers").filter(({ type }) => type === "Explanation");
  const first = reader.explain("e2");
  assert.deepEqual(hub.last("explain").argument, { room: "lobby", id: "e2" });
  await hub.last("explain").answer(explanation?.result);
  assert.deepEqual(await first, explanation?.result);
  const second = reader.explain("e2");
  await hub.last("explain").answer({ error: { code: "not_found", message: "Nothing is recorded.", retry_ms: null } });
  assert.deepEqual(await second, { code: "not_found", message: "Nothing is recorded.", retry_ms: null });
  const third = reader.explain("e2");
  await hub.last("explain").fail();
  assert.equal(await third, null);
});

test("stopping names the reply, and its end is heard as an event", async () => {
  const { hub, reader, hear } = await inTheMiddle();
  reader.cancel("e2");
  assert.deepEqual(hub.last("cancel").argument, { room: "lobby", id: "e2" });
  hear(closed(3, "e2", "Hel", "stopped"));
  assert.equal(reader.snapshot.room.messages.get("e2")?.status, "stopped");
});

test("typing is sent without waiting, and only while joined", async () => {
  const { hub, reader } = await inTheMiddle();
  reader.typist.wrote();
  assert.deepEqual(hub.sent, [{ method: "typing", argument: { room: "lobby", on: true } }]);
  reader.disconnected();
  reader.typist.wrote();
  assert.equal(hub.sent.length, 1);
});

test("somebody who does not go on writing is forgotten after a while", async () => {
  const { clock, reader, hear } = await inTheMiddle();
  const writing = { type: "typing", by: "m2", on: true };
  hear(writing);
  await clock.pass(5_000);
  hear(writing);
  await clock.pass(5_000);
  assert.equal(reader.snapshot.room.typing.size, 1);
  await clock.pass(5_000);
  assert.equal(reader.snapshot.room.typing.size, 0);
});

test("a room where nobody answers has no mention", async () => {
  const { hub, wire, reader } = reading();
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ policy: PLAIN }));
  assert.equal(reader.snapshot.mention, null);
});

test("listeners are called after changes until they are not interested", async () => {
  const { reader, hear } = await inTheMiddle();
  let calls = 0;
  const end = reader.subscribe(() => (calls += 1));
  hear(posted(3, "three"));
  assert.equal(calls, 1);
  end();
  hear(posted(4, "four"));
  await settle();
  assert.equal(calls, 1);
});

test("a connection that ended on purpose counts as live for a short time", async () => {
  const { clock, reader, wire, hub, hear } = await inTheMiddle();
  reader.disconnected(true);
  await clock.pass(2_999);
  assert.equal(reader.snapshot.link, "live");
  await clock.pass(1);
  assert.equal(reader.snapshot.link, "reconnecting");
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ mode: "tail" }));
  hear(live(2));
  reader.disconnected();
  assert.equal(reader.snapshot.link, "reconnecting");
});

test("a connection that is back in time is no longer protected", async () => {
  const { clock, reader, wire, hub, hear } = await inTheMiddle();
  reader.disconnected(true);
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer({ mode: "tail" }));
  hear(live(2));
  assert.equal(reader.snapshot.link, "live");
  reader.disconnected();
  assert.equal(reader.snapshot.link, "reconnecting");
  assert.equal(clock.waiting, 1); // for saying that nobody answers
});

test("a name that no room can have is told apart from a room that one may not enter", async () => {
  const { reader, hub, wire } = reading();
  reader.connected(wire);
  await hub.last("join").answer({ error: { code: "invalid", message: "A room's name has letters.", retry_ms: null } });
  assert.deepEqual(reader.snapshot.problem, { kind: "no_room", message: "A room's name has letters." });
  assert.equal(reader.snapshot.link, "refused");
});

test("who has to wait at the door is told why and until when, and then goes in", async () => {
  const { clock, reader, hub, wire, hear } = reading();
  reader.connected(wire);
  await hub.last("join").answer({ error: { code: "too_many", message: "The room is full.", retry_ms: 10_000 } });
  const { delay, problem, link } = reader.snapshot;
  assert.deepEqual([delay, problem, link], [{ message: "The room is full.", until: clock.now() + 10_000 }, null, "connecting"]);
  await clock.pass(10_000);
  assert.equal(hub.all("join").length, 2);
  await hub.last("join").answer(joinedAnswer());
  hear(live(0));
  assert.deepEqual([reader.snapshot.delay, reader.snapshot.link], [null, "live"]);
});

test("a server that does not answer for a while is said to be gone, until it is back", async () => {
  const { clock, reader, wire } = await inTheMiddle();
  reader.disconnected();
  await clock.pass(9_000);
  assert.equal(reader.snapshot.gone, false);
  let told = 0;
  reader.subscribe(() => (told += 1));
  await clock.pass(2_000);
  assert.deepEqual([reader.snapshot.gone, told], [true, 1]);
  reader.connected(wire);
  assert.equal(reader.snapshot.gone, false);
});

test("an explanation and the rooms are asked for again where that was too fast", async () => {
  const { clock, reader, hub } = await inTheMiddle();
  const fast = { error: { code: "too_fast", message: "Slower.", retry_ms: 500 } };
  for (const [method, ask] of [["explain", () => reader.explain("e2")], ["rooms", () => reader.rooms()]] as const) {
    const found = ask();
    await hub.last(method).answer(fast);
    await clock.pass(500);
    assert.equal(hub.all(method).length, 2);
    const answer = method === "rooms" ? { rooms: [], more: false } : { error: { code: "not_found", message: "No.", retry_ms: null } };
    await hub.last(method).answer(answer);
    assert.deepEqual(await found, method === "rooms" ? answer : { code: "not_found", message: "No.", retry_ms: null });
  }
  reader.disconnected();
  assert.equal(await reader.rooms(), null);
});
