import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents } from "../src/protocol";
import { Reader } from "../src/reader";
import { ANA, FakeClock, FakeHub, closed, edited, joinedAnswer, live, opened, pinned, posted, redacted } from "./fakes";
import { show } from "./shown";

const forbidden = (message: string): object => ({ error: { code: "forbidden", message, retry_ms: null } });

test("an edit that is refused says why, and can be taken back to write on", async () => {
  const { find, all, text, hear, hub, reader } = await show();
  await hear(posted(1, "a", { by: ANA.id }));
  reader.edit("e1", "better");
  await hub.last("edit").answer(forbidden("Only its author can edit a message."));
  await frame();
  assert.deepEqual(text(".nbgc-note [role=alert]"), ["Not changed: Only its author can edit a message."]);
  const [again, back] = all(".nbgc-note button") as HTMLButtonElement[];
  again?.click();
  assert.equal(hub.all("edit").length, 2);
  assert.equal(hub.last("edit").argument["cid"], hub.all("edit")[0]?.argument["cid"]);
  await hub.last("edit").answer(forbidden("No."));
  await frame();
  back?.click();
  await frame();
  assert.equal(find<HTMLTextAreaElement>(".nbgc-editor-input").value, "better");
  assert.equal(reader.outbox.pending.length, 0);
});

test("the text of a refused edit of a removed message goes to the composer", async () => {
  const { find, all, hear, hub, reader } = await show();
  await hear(posted(1, "a", { by: ANA.id }), redacted(2, "e1"));
  reader.edit("e1", "better");
  await hub.last("edit").answer({ error: { code: "not_found", message: "It may have been redacted.", retry_ms: null } });
  await frame();
  (all(".nbgc-note button").at(-1) as HTMLButtonElement).click();
  assert.equal(find<HTMLTextAreaElement>(".nbgc-input").value, "better");
});

test("an edit of a message that is not held any more stands at the end, like a post", async () => {
  const { text, reader, hub } = await show();
  reader.edit("gone", "better");
  await hub.last("edit").answer({ error: { code: "not_found", message: "There is no such message.", retry_ms: null } });
  await frame();
  assert.deepEqual(text("[data-cid] .nbgc-text"), ["better"]);
  assert.match(text("[data-cid] .nbgc-note")[0] ?? "", /^Not sent: There is no such message\./);
});

test("a change without a connection waits in sight", async () => {
  const { text, hear, reader } = await show();
  await hear(posted(1, "a", { by: ANA.id }));
  reader.disconnected();
  reader.edit("e1", "better");
  await frame();
  assert.deepEqual([text(".nbgc-text"), text(".nbgc-note")], [["better"], ["Waiting for the connection…"]]);
});

test("a change that waits for the kernel says so, until the kernel takes it", async () => {
  const { text, hear, reader } = await show();
  await hear(posted(1, "a", { by: ANA.id }));
  reader.relayed("open");
  reader.edit("e1", "better");
  await frame();
  assert.deepEqual([text(".nbgc-text"), text(".nbgc-note")], [["better"], []]);
  reader.relayed("waiting");
  await frame();
  assert.deepEqual(text(".nbgc-note"), ["Waits for the running cell to end…"]);
  reader.relayed("open");
  await frame();
  assert.deepEqual(text(".nbgc-note"), []);
});

test("a panel that follows another reader changes messages through that one", async () => {
  const { find, hub, reader, view } = await show();
  const kernel = new FakeHub();
  const other = new Reader("lobby", new FakeClock());
  other.connected({ invoke: (m, a) => kernel.invoke(m, a), send: (m, a) => kernel.send(m, a) });
  await kernel.last("join").answer(joinedAnswer());
  other.hear(decodeEvents("lobby", [live(0), posted(1, "a", { by: ANA.id }), opened(2, "e1"), closed(3, "e2", "b")]).events);
  view.follow(other);
  await frame();
  reader.disconnected();
  find<HTMLButtonElement>('[data-message-id="e1"] [data-tool="pin"]').click();
  assert.deepEqual(kernel.last("pin").argument, { room: "lobby", id: "e1", on: true });
  await kernel.last("pin").answer({ seq: 4 });
  find<HTMLButtonElement>('[data-message-id="e2"] [data-tool="explain"]').click();
  assert.equal(kernel.last("explain").argument["id"], "e2");
  find<HTMLButtonElement>('[data-message-id="e1"] [data-tool="edit"]').click();
  await frame();
  find<HTMLTextAreaElement>(".nbgc-editor-input").value = "better";
  find<HTMLButtonElement>(".nbgc-editor-save").click();
  await frame();
  assert.deepEqual(kernel.all("edit").map(({ argument }) => argument["text"]), ["better"]);
  assert.deepEqual([hub.all("pin").length, hub.all("explain").length, hub.all("edit").length], [0, 0, 0]);
});

test("a message is pinned and unpinned, and the focus stays on the button", async () => {
  const { find, hear, hub } = await show();
  await hear(posted(1, "a"));
  find<HTMLButtonElement>('[data-tool="pin"]').click();
  assert.deepEqual(hub.last("pin").argument, { room: "lobby", id: "e1", on: true });
  await hub.last("pin").answer({ seq: 2 });
  find('[data-tool="pin"]').focus();
  await hear(pinned(2, "e1"));
  assert.ok(find('[data-message-id="e1"]').hasAttribute("data-pinned"));
  assert.equal(document.activeElement, find('[data-tool="unpin"]'));
  find<HTMLButtonElement>('[data-tool="unpin"]').click();
  assert.deepEqual(hub.last("pin").argument, { room: "lobby", id: "e1", on: false });
});

test("a pin too many says so at its message", async () => {
  const { text, hear, hub, reader } = await show();
  await hear(posted(1, "a"));
  reader.pin("e1", true);
  await hub.last("pin").answer({ error: { code: "too_many", message: "Unpin another one first.", retry_ms: null } });
  await frame();
  assert.deepEqual(text(".nbgc-note [role=alert]"), ["Not pinned: Unpin another one first."]);
});

test("a reply one asked for is removed with a trace, and its quote says so", async () => {
  const { find, text, hear } = await show();
  await hear(posted(1, "@llama?", { by: ANA.id }), opened(2, "e1"), closed(3, "e2", "no", "stopped"), posted(4, "b"));
  await hear(posted(5, "why?", { reply_to: "e2" }));
  assert.match(text(".nbgc-quote")[0] ?? "", /no$/);
  await hear(redacted(6, "e2"));
  assert.deepEqual(text('[data-message-id="e2"] .nbgc-body')[0]?.replace(/\s+/g, " ").endsWith("Removed"), true);
  assert.match(text(".nbgc-quote")[0] ?? "", /Removed$/);
  assert.equal(find('[data-message-id="e2"]').querySelector(".nbgc-note"), null);
});

test("a quote says what the message says now", async () => {
  const { text, hear } = await show();
  await hear(posted(1, "Fryday"), posted(2, "b"), posted(3, "ok", { reply_to: "e1" }), edited(4, "e1", "Friday"));
  assert.match(text(".nbgc-quote")[0] ?? "", /Friday$/);
});

test("going to a message that is not held fetches it", async () => {
  const { find, hub, reader } = await show({ base: 1, position: { epoch: "e1", seq: 1, eid: "e1" }, pinned: ["e1"] });
  await frame();
  find<HTMLButtonElement>(".nbgc-pin").click();
  await hub.last("history").answer({ events: [posted(1, "long ago")], more: false });
  await frame();
  assert.equal(document.activeElement, find('[data-message-id="e1"]'));
  assert.ok(find('[data-message-id="e1"]').hasAttribute("data-shown"));
  assert.equal(reader.snapshot.room.messages.size, 1);
});
