import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, type Wire } from "../src/outbox";
import { FakeClock, FakeHub, settle } from "./fakes";

function outbox(): { clock: FakeClock; hub: FakeHub; wire: Wire; outbox: Outbox; left: () => number } {
  const clock = new FakeClock();
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  let left = 0;
  const box = new Outbox("lobby", clock, () => {}, () => (left += 1));
  return { clock, hub, wire, outbox: box, left: () => left };
}

test("a post has its room, its id and its text, and nothing else", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  const { argument } = hub.last("post");
  assert.deepEqual(argument, { room: "lobby", cid: box.pending[0]?.cid, text: "hi" });
  assert.match(String(argument["cid"]), /^[0-9a-f-]{32,36}$/);
});

test("posts go one at a time and in order", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.add({ method: "post", text: "one" });
  box.add({ method: "post", text: "two" });
  box.resume(wire);
  assert.deepEqual(hub.invocations.map(({ argument }) => argument["text"]), ["one"]);
  await hub.last("post").answer({ id: "a", seq: 1, duplicate: false });
  assert.deepEqual(hub.invocations.map(({ argument }) => argument["text"]), ["one", "two"]);
});

test("after a lost connection a post goes again with the same id, before later ones", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "one" });
  box.add({ method: "post", text: "two" });
  const { cid } = hub.last("post").argument;
  box.pause();
  await hub.last("post").fail();
  assert.equal(hub.invocations.length, 1);
  box.resume(wire);
  await settle();
  assert.equal(hub.invocations.length, 2);
  assert.deepEqual([hub.last("post").argument["cid"], hub.last("post").argument["text"]], [cid, "one"]);
});

test("an acknowledged post stays until the room is known up to its place", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  await hub.last("post").answer({ id: "a", seq: 7, duplicate: false });
  assert.equal(box.pending[0]?.state, "acknowledged");
  box.seen(6);
  assert.equal(box.pending.length, 1);
  box.seen(7);
  assert.equal(box.pending.length, 0);
});

test("a refusal for good is shown, and can be tried again with the same id or taken back", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  const { cid } = hub.last("post").argument;
  const refusal = { error: { code: "too_long", message: "Send it in parts.", retry_ms: null } };
  await hub.last("post").answer(refusal);
  assert.deepEqual([box.pending[0]?.state, box.pending[0]?.error], ["failed", "Send it in parts."]);
  box.retry(String(cid));
  assert.equal(hub.last("post").argument["cid"], cid);
  await hub.last("post").answer(refusal);
  assert.equal(box.discard(String(cid)), "hi");
  assert.equal(box.pending.length, 0);
});

test("a refusal for now is tried again after the time the server gave", async () => {
  const { clock, hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  await hub.last("post").answer({ error: { code: "too_many", message: "Slow down.", retry_ms: 800 } });
  await clock.pass(799);
  assert.equal(hub.invocations.length, 1);
  await clock.pass(1);
  assert.equal(hub.invocations.length, 2);
});

test("a room that was left is joined again before the post goes again", async () => {
  const { clock, hub, wire, outbox: box, left } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  await hub.last("post").answer({ error: { code: "not_joined", message: "Join first.", retry_ms: null } });
  await clock.pass(60_000);
  assert.deepEqual([left(), hub.invocations.length], [1, 1]);
  box.resume(wire);
  await settle();
  assert.equal(hub.invocations.length, 2);
});

test("a server that fails over and over ends in a failed post, and the next one goes", async () => {
  const { clock, hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "one" });
  box.add({ method: "post", text: "two" });
  for (let attempt = 0; attempt < 4; attempt += 1) {
    await hub.last("post").fail();
    await clock.pass(60_000);
  }
  assert.equal(box.pending[0]?.state, "failed");
  assert.equal(hub.last("post").argument["text"], "two");
});

test("an edit made without a connection waits, and keeps its id when it goes again", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.add({ method: "edit", id: "e1", text: "better" });
  box.resume(wire);
  const { argument } = hub.last("edit");
  assert.deepEqual(argument, { room: "lobby", cid: box.pending[0]?.cid, id: "e1", text: "better" });
  box.pause();
  await hub.last("edit").fail();
  box.resume(wire);
  await settle();
  assert.deepEqual(hub.all("edit").map((one) => one.argument), [argument, argument]);
  await hub.last("edit").answer({ seq: 4 });
  box.seen(4);
  assert.equal(box.pending.length, 0);
});

test("posts and changes go in the order in which they were made", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.add({ method: "edit", id: "e1", text: "better" });
  box.add({ method: "post", text: "hi" });
  box.add({ method: "redact", id: "e1" });
  box.add({ method: "pin", id: "e2", on: false });
  box.resume(wire);
  await hub.last("edit").answer({ seq: 4 });
  await hub.last("post").answer({ id: "e5", seq: 5, duplicate: false });
  assert.deepEqual(hub.last("redact").argument, { room: "lobby", id: "e1" });
  await hub.last("redact").answer({ seq: 6 });
  assert.deepEqual(hub.last("pin").argument, { room: "lobby", id: "e2", on: false });
});

test("a change takes the place of one like it that was refused, and of no other", async () => {
  const { hub, wire, outbox: box } = outbox();
  box.resume(wire);
  const refusal = { error: { code: "forbidden", message: "Only its author can edit a message.", retry_ms: null } };
  for (const id of ["e1", "e2"]) {
    box.add({ method: "edit", id, text: "mine" });
    await hub.last("edit").answer(refusal);
  }
  box.add({ method: "edit", id: "e1", text: "again" });
  assert.deepEqual(box.pending.map(({ state, error }) => [state, error]), [
    ["failed", "Only its author can edit a message."], ["sending", null],
  ]);
  assert.equal(box.discard(box.pending[0]?.cid ?? ""), "mine");
  box.add({ method: "redact", id: "e3" });
  await hub.last("edit").answer({ seq: 1 });
  await hub.last("redact").answer(refusal);
  assert.equal(box.discard(box.pending.at(-1)?.cid ?? ""), "");
});

test("ids are made without randomUUID too, which insecure pages do not have", (t) => {
  const { outbox: box } = outbox();
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  t.after(() => Reflect.deleteProperty(crypto, "randomUUID"));
  box.add({ method: "post", text: "one" });
  box.add({ method: "post", text: "two" });
  assert.match(box.pending[0]?.cid ?? "", /^[0-9a-f]{32}$/);
  assert.notEqual(box.pending[0]?.cid, box.pending[1]?.cid);
});

test("a post that was too fast says why it waits and when it goes again, and goes then", async () => {
  const { clock, hub, wire, outbox: box } = outbox();
  box.resume(wire);
  box.add({ method: "post", text: "hi" });
  await hub.last("post").answer({ error: { code: "too_fast", message: "Go on in 3 s.", retry_ms: 3_000 } });
  const { state, error, until } = box.pending[0] ?? {};
  assert.deepEqual([state, error, until], ["waiting", "Go on in 3 s.", clock.now() + 3_000]);
  await clock.pass(3_000);
  assert.equal(hub.all("post").length, 2);
  await hub.last("post").answer({ id: "a", seq: 1, duplicate: false });
  box.seen(1);
  assert.equal(box.pending.length, 0);
});
