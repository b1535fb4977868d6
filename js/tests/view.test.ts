import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../src/outbox";
import { decodeEvents } from "../src/protocol";
import { ANA, closed, explanation, joinedAnswer, live, opened, posted, reacted, redacted } from "./fakes";
import { key, show, write } from "./shown";

test("the root tells the room and the state of the connection", async () => {
  const { root, reader } = await show();
  assert.deepEqual([root.dataset["room"], root.dataset["state"]], ["lobby", "live"]);
  reader.disconnected();
  await frame();
  assert.equal(root.dataset["state"], "reconnecting");
});

test("the notebook sees no key that is pressed in the panel", async () => {
  const { find } = await show();
  let seen = 0;
  document.body.addEventListener("keydown", () => (seen += 1));
  for (const name of ["Enter", "Escape", "a", "F6"]) key(find(".nbgc-input"), name, { shiftKey: name === "Enter" });
  assert.equal(seen, 0);
});

test("what is disabled under one's hands gives the focus to the transcript, not to the notebook", async () => {
  const { find, reader } = await show({ base: 9, position: { epoch: "e1", seq: 9, eid: "e9" } });
  find(".nbgc-earlier").focus();
  find(".nbgc-earlier").click();
  await frame();
  assert.equal(find<HTMLButtonElement>(".nbgc-earlier").disabled, true);
  assert.equal(document.activeElement, find(".nbgc-transcript"));
  find(".nbgc-input").focus();
  reader.unreachable({ kind: "not_installed", message: null });
  await frame();
  assert.equal(document.activeElement, find(".nbgc-transcript"));
});

test("whatever can take the focus keeps JupyterLab's shortcuts away, which look at nothing else", async () => {
  const account = { mayRename: () => Promise.resolve(true), rename: () => Promise.resolve(true) };
  const shown = await show({ base: 1, position: { epoch: "e1", seq: 1, eid: "e1" }, pinned: ["e1", "e2"] }, account);
  const seen = new Set<string>();
  const check = (): void => {
    for (const element of shown.all("button, input, textarea, select, a, summary, [tabindex]")) {
      assert.ok(element.hasAttribute("data-lm-suppress-shortcuts"), element.outerHTML);
      seen.add(element.className);
    }
  };
  await frame();
  check();
  const markdown = "[b](https://example.org)\n\n```\nc\n```\n\n| d |\n|---|";
  const file = { id: "0".repeat(64), name: "n", mime: "text/plain", size: 1, width: 0, height: 0, text: "n", cut: false };
  await shown.hear(posted(2, "@llama"), posted(3, markdown, { attachments: [file] }), opened(4, "e2"), { type: "queue", waiting: [{ id: "e3", before: 0 }] });
  key(await write(shown, "hello"), "Enter");
  await shown.hub.last("post").answer({ error: { code: "invalid", message: "No.", retry_ms: null } });
  shown.find<HTMLButtonElement>(".nbgc-name-change").click();
  await frame();
  check();
  await shown.hear({ type: "queue", waiting: [] }, closed(5, "e4", "d"), posted(6, "e", { by: ANA.id }), posted(7, "f", { by: ANA.id }));
  shown.find<HTMLButtonElement>('[data-message-id="e4"] [data-tool="explain"]').click();
  const words = "The server's own words, ".repeat(9);
  await shown.hub.last("explain").answer(explanation({ read: [{ id: "", speaker: "", text: words }, { id: "e2", speaker: "Ben", text: "" }] }));
  shown.find<HTMLButtonElement>('[data-message-id="e6"] [data-tool="edit"]').click();
  await frame();
  check();
  shown.find<HTMLButtonElement>('[data-message-id="e4"] [data-tool="react"]').click();
  shown.find<HTMLButtonElement>('[data-message-id="e4"] [data-tool="reply"]').click();
  await shown.hear(reacted(8, "e4", "👍"));
  check();
  shown.find<HTMLButtonElement>('[data-message-id="e7"] [data-tool="remove"]').click();
  await frame();
  check();
  shown.reader.unreachable({ kind: "not_installed", message: null });
  await frame();
  check();
  const expected = [
    "", "nbgc-act", "nbgc-ask", "nbgc-chip", "nbgc-code", "nbgc-earlier", "nbgc-editor-input", "nbgc-example", "nbgc-input",
    "nbgc-message", "nbgc-name-input", "nbgc-other-input", "nbgc-picker", "nbgc-pin", "nbgc-plain",
    "nbgc-plain nbgc-editor-save", "nbgc-plain nbgc-name-change", "nbgc-plain nbgc-name-save", "nbgc-plain nbgc-remove",
    "nbgc-plain nbgc-save", "nbgc-quote", "nbgc-read", "nbgc-send", "nbgc-stop", "nbgc-table", "nbgc-tool",
    "nbgc-tool nbgc-attach", "nbgc-tool nbgc-close", "nbgc-tool nbgc-emoji", "nbgc-tool nbgc-pins-toggle",
    "nbgc-tool nbgc-search-open", "nbgc-tool nbgc-unanswer", "nbgc-tool nbgc-unpin", "nbgc-transcript", "nbgc-withdraw",
  ];
  assert.deepEqual([...seen].sort(), expected);
});

test("Ctrl+S and Cmd+S save the notebook", async () => {
  const { find, saved } = await show();
  assert.equal(key(find(".nbgc-input"), "s", { ctrlKey: true }).defaultPrevented, true);
  key(find(".nbgc-input"), "S", { metaKey: true });
  key(find(".nbgc-input"), "s");
  assert.equal(saved(), 2);
});

test("Escape stops the reply to one's own question, and nobody else's", async () => {
  const { find, hear, hub } = await show();
  await hear(posted(1, "@llama a?", { by: ANA.id }), posted(2, "@llama b?"), opened(3, "e1"), opened(4, "e2"));
  key(find(".nbgc-input"), "Escape");
  assert.deepEqual(hub.all("cancel").map(({ argument }) => argument["id"]), ["e3"]);
});

test("Escape withdraws one's own newest question that waits, where no answer to one is open", async () => {
  const { find, hear, hub } = await show();
  const waiting = ["e1", "e2", "e3"].map((id, before) => ({ id, before }));
  await hear(
    posted(1, "@llama a?", { by: ANA.id }), posted(2, "@llama b?", { by: ANA.id }), posted(3, "@llama c?"),
    { type: "queue", waiting },
  );
  key(find(".nbgc-input"), "Escape");
  await hear({ type: "queue", waiting: waiting.slice(1) }, opened(4, "e1"));
  key(find(".nbgc-input"), "Escape");
  assert.deepEqual(hub.all("cancel").map(({ argument }) => argument["id"]), ["e2", "e4"]);
});

test("a room that cannot be has no button that would not help", async () => {
  const { reader, hub, root, find, all } = await show();
  reader.lost();
  await hub.last("join").answer({ error: { code: "invalid", message: "A room's name has letters.", retry_ms: null } });
  await frame();
  assert.equal(root.dataset["state"], "refused");
  assert.match(find('.nbgc-notice[data-problem="no_room"]').textContent ?? "", /There is no such room\s+A room's name has letters\./);
  assert.equal(all(".nbgc-act").length, 0);
});

test("a connection that is made anew on purpose is not told", async () => {
  const { reader, hub, root, find, text, all } = await show();
  reader.disconnected(true);
  await frame();
  reader.connected({ invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) });
  await hub.last("join").answer(joinedAnswer({ mode: "tail" }));
  await frame();
  assert.deepEqual([root.dataset["state"], find(".nbgc-announcer").textContent, text(".nbgc-link")], ["live", "", ["Connected"]]);
  assert.equal(all(".nbgc-member").length, 3);
  reader.hear(decodeEvents("lobby", [{ type: "presence", members: [ANA] }, live(0)]).events);
  await frame();
  assert.deepEqual([root.dataset["state"], find(".nbgc-announcer").textContent, all(".nbgc-member").length], ["live", "", 1]);
});

test("a problem says what to do, and nothing can be sent meanwhile", async () => {
  const { reader, root, find } = await show();
  reader.unreachable({ kind: "not_installed", message: null });
  await frame();
  assert.equal(root.dataset["state"], "unreachable");
  assert.match(find('.nbgc-notice[data-problem="not_installed"]').textContent ?? "", /Install nbgroupchat/);
  assert.equal(find<HTMLTextAreaElement>(".nbgc-input").disabled, true);
});

test("a panel that speaks through the kernel says so, and what it means", async () => {
  const { reader, root, text, all } = await show();
  assert.deepEqual([root.dataset["relay"], all(".nbgc-through").length], ["none", 0]);
  reader.relayed("open");
  await frame();
  assert.deepEqual([root.dataset["relay"], text(".nbgc-link")], ["open", ["Connected through the kernel"]]);
  assert.match(text(".nbgc-through")[0] ?? "", /marked as the kernel's/);
  assert.equal(all(".nbgc-relay").length, 0);
});

test("a kernel that takes nothing is told, and what waits for it", async () => {
  const shown = await show();
  shown.reader.relayed("open");
  key(await write(shown, "hello"), "Enter");
  await frame();
  assert.match(shown.text("article[data-pending=waiting]")[0] ?? "", /Sending…/);
  shown.reader.relayed("waiting");
  await frame();
  assert.match(shown.text(".nbgc-relay")[0] ?? "", /The kernel is busy\./);
  assert.match(shown.text("article[data-pending=waiting]")[0] ?? "", /Waits for the running cell to end…/);
});

test("a screen reader is told sentences, and the transcript is a quiet log", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "hi"));
  assert.equal(find(".nbgc-announcer").textContent, "Ben says: hi");
  assert.deepEqual([find(".nbgc-transcript").getAttribute("role"), find(".nbgc-transcript").getAttribute("aria-live")], ["log", "off"]);
});

test("what had the focus and is gone leaves it in the panel, where the notebook does not get the keys", async () => {
  const { find, hear, root } = await show();
  await hear(posted(1, "hi", { by: ANA.id }));
  find('[data-tool="edit"]').focus();
  await hear(redacted(2, "e1"));
  assert.equal(root.querySelector("[data-tool]"), null);
  assert.equal(document.activeElement, find(".nbgc-transcript"));
});

test("nothing takes the focus into the panel", async () => {
  const { hear } = await show();
  await hear(posted(1, "hi", { by: ANA.id }), redacted(2, "e1"));
  assert.equal(document.activeElement, document.body);
});

test("a panel that is gone does nothing more", async () => {
  const { view, reader, root } = await show();
  view.dispose();
  reader.hear(decodeEvents("lobby", [posted(1, "hi")]).events);
  await frame();
  assert.equal(root.isConnected, false);
  assert.equal(root.querySelectorAll("article").length, 0);
  assert.ok(reader.outbox instanceof Outbox);
});
