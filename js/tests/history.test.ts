import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../src/history";
import type { Wire } from "../src/outbox";
import { decodeEvents } from "../src/protocol";
import { emptyRoom, reduce, type Room } from "../src/room";
import { FakeClock, FakeHub, posted } from "./fakes";

function holding(base: number): { clock: FakeClock; hub: FakeHub; wire: Wire; history: History; texts: () => string[] } {
  const clock = new FakeClock();
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  let room: Room = decodeEvents("lobby", [posted(base + 1, "newest")]).events.reduce(reduce, emptyRoom("e1", base));
  const history = new History({ name: "lobby", room: () => room, hold: (other) => (room = other), changed: () => {}, clock });
  return { clock, hub, wire, history, texts: () => [...room.messages.values()].map(({ text }) => text) };
}

test("a message is found as far back as history goes, and nothing is asked for one that is held", async () => {
  const { hub, wire, history, texts } = holding(3);
  assert.equal(await history.find(wire, "e4"), true);
  assert.equal(hub.all("history").length, 0);
  const found = history.find(wire, "e2");
  await hub.last("history").answer({ events: [posted(3, "three")], more: true });
  await hub.last("history").answer({ events: [posted(2, "two")], more: true });
  assert.equal(await found, true);
  assert.deepEqual([texts(), history.state], [["two", "three", "newest"], "more"]);
  const missed = history.find(wire, "gone");
  await hub.last("history").answer({ events: [posted(1, "one")], more: false });
  assert.deepEqual([await missed, history.state, hub.all("history").length], [false, "none", 3]);
});

test("a search ends when no answer comes, when it is refused, and when there is no connection", async () => {
  const { hub, wire, history } = holding(3);
  const failed = history.find(wire, "e1");
  await hub.last("history").fail();
  assert.equal(await failed, false);
  const refused = history.find(wire, "e1");
  await hub.last("history").answer({ error: { code: "not_joined", message: "Join first.", retry_ms: null } });
  assert.equal(await refused, false);
  assert.equal(await history.find(null, "e1"), false);
});

test("who asks while a page is on its way waits for that one", async () => {
  const { hub, wire, history } = holding(1);
  const both = Promise.all([history.fetch(wire), history.find(wire, "e1")]);
  assert.equal(history.state, "loading");
  await hub.last("history").answer({ events: [posted(1, "one")], more: false });
  assert.deepEqual(await both, [undefined, true]);
  assert.equal(hub.all("history").length, 1);
});

test("a room that starts over may have older messages again", async () => {
  const { hub, wire, history } = holding(2);
  void history.fetch(wire);
  await hub.last("history").answer({ events: [posted(2, "two")], more: false });
  assert.equal(history.state, "none");
  history.restart();
  assert.equal(history.state, "more");
});

test("what was too fast is asked for again when the server says, and stays on its way meanwhile", async () => {
  const { clock, hub, wire, history, texts } = holding(1);
  void history.fetch(wire);
  await hub.last("history").answer({ error: { code: "too_fast", message: "Go on in 2 s.", retry_ms: 2_000 } });
  assert.deepEqual([history.state, hub.all("history").length], ["loading", 1]);
  await clock.pass(2_000);
  assert.equal(hub.all("history").length, 2);
  await hub.last("history").answer({ events: [posted(1, "one")], more: false });
  assert.deepEqual([texts(), history.state], [["one", "newest"], "none"]);
});
