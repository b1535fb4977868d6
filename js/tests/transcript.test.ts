import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, opened, posted } from "./fakes";
import { key, show, write } from "./shown";

test("one's own messages can be told, and those that go on from one's last", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "a"), posted(2, "b", { by: ANA.id, name: "Ana" }), posted(3, "c", { by: ANA.id, name: "Ana" }));
  assert.deepEqual(all("article").map((one) => one.hasAttribute("data-own")), [false, true, true]);
  assert.deepEqual(all("article").map((one) => one.hasAttribute("data-continued")), [false, false, true]);
  assert.deepEqual(all("article").map((one) => one.querySelector(".nbgc-author")?.textContent), ["Ben", "Ana", "Ana"]);
});

test("a reply quotes what it answers unless that is directly above", async () => {
  const { text, hear } = await show();
  await hear(posted(1, "first"), opened(2, "e1"), posted(3, "second"), opened(4, "e1"));
  assert.deepEqual(text(".nbgc-quote").map((quote) => quote.replace(/\s+/g, " ")), ["in answer to Ben first"]);
});

test("an empty room says what one can do", async () => {
  const { find, all, hear } = await show();
  find<HTMLButtonElement>(".nbgc-example").click();
  assert.match(find<HTMLTextAreaElement>(".nbgc-input").value, /^@llama /);
  await hear(posted(1, "hi"));
  assert.equal(all(".nbgc-empty").length, 0);
});

test("earlier messages are offered where there are some, and fetched", async () => {
  const { find, all, hub, text } = await show({ base: 1, position: { epoch: "e1", seq: 1, eid: "e1" } });
  find<HTMLButtonElement>(".nbgc-earlier").click();
  await hub.last("history").answer({ events: [posted(1, "long ago")], more: false });
  await frame();
  assert.deepEqual([text(".nbgc-text"), all(".nbgc-earlier").length], [["long ago"], 0]);
});

test("posts wait in sight while there is no connection", async () => {
  const shown = await show();
  shown.reader.disconnected();
  const field = await write(shown, "anybody?");
  key(field, "Enter");
  await frame();
  assert.equal(shown.all("article[data-message-id]").length, 0);
  assert.equal(shown.find("article[data-pending=waiting] .nbgc-text").textContent, "anybody?");
  assert.match(shown.find(".nbgc-link").textContent ?? "", /Reconnecting… 1 message waiting/);
});

test("a post that was refused can be taken back into the composer", async () => {
  const shown = await show();
  key(await write(shown, "hello"), "Enter");
  await shown.hub.last("post").answer({ error: { code: "invalid", message: "No.", retry_ms: null } });
  await frame();
  assert.match(shown.find("article[data-pending=failed] .nbgc-note").textContent ?? "", /Not sent: No\./);
  shown.find<HTMLButtonElement>("article[data-pending=failed] button:last-of-type").click();
  await frame();
  assert.equal(shown.find<HTMLTextAreaElement>(".nbgc-input").value, "hello");
  assert.equal(shown.all("article").length, 0);
});

test("a post that waits is shown as one's own, and goes on from one's own", async () => {
  const shown = await show();
  await shown.hear(posted(1, "@llama?", { by: ANA.id, name: ANA.name }), opened(2, "e1"));
  shown.reader.disconnected();
  for (const text of ["anybody?", "hello?"]) key(await write(shown, text), "Enter");
  await frame();
  const pending = shown.all("article[data-pending]");
  assert.deepEqual(pending.map((one) => one.hasAttribute("data-continued")), [false, true]);
  assert.deepEqual(pending.map((one) => one.querySelector(".nbgc-author")?.textContent), ["Ana", "Ana"]);
  assert.deepEqual(pending.map((one) => one.querySelector(".nbgc-badge")?.textContent), ["you", "you"]);
  assert.ok(pending.every((one) => one.hasAttribute("data-own") && one.querySelector(".nbgc-avatar")?.textContent === "A"));
});

test("a post that goes through the kernel looks like the kernel's while it waits, too", async () => {
  const shown = await show({ you: { ...ANA, kind: "kernel" } });
  shown.reader.relayed("waiting");
  key(await write(shown, "hello"), "Enter");
  await frame();
  const looks = (): unknown[] => [
    shown.text("article .nbgc-badge"), shown.find(".nbgc-messages .nbgc-avatar").dataset["kind"],
  ];
  assert.equal(shown.all("article[data-pending]").length, 1);
  const waiting = looks();
  await shown.hub.last("post").answer({ seq: 1 });
  await shown.hear(posted(1, "hello", { by: ANA.id, name: ANA.name, kind: "kernel" }));
  assert.equal(shown.all("article[data-message-id]").length, 1);
  assert.deepEqual([waiting, looks()], [[["kernel"], "kernel"], [["kernel"], "kernel"]]);
});

test("a post that waits below one's own message of a moment ago goes on from it", async () => {
  const shown = await show();
  await shown.hear(posted(1, "hi", { by: ANA.id, name: ANA.name, ts: 999_000 }));
  shown.reader.disconnected();
  key(await write(shown, "anybody?"), "Enter");
  await frame();
  assert.ok(shown.find("article[data-pending]").hasAttribute("data-continued"));
});

const PLACE = { address: (id: string) => `http://localhost/room#message-${id}`, elsewhere: true };

test("a message's time leads to it, and its address can be copied by keyboard", async () => {
  const copied: string[] = [];
  const clipboard = { writeText: (text: string) => Promise.resolve(void copied.push(text)) };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { clipboard } });
  const shown = await show({}, null, { place: PLACE });
  await shown.hear(posted(1, "hi"));
  const link = shown.find<HTMLAnchorElement>("a.nbgc-when");
  assert.deepEqual([link.href, link.target, link.rel, link.tabIndex], [PLACE.address("e1"), "_blank", "noopener", -1]);
  shown.find('[data-tool="link"]').click();
  await frame();
  assert.deepEqual([copied, shown.text(".nbgc-remark")], [[PLACE.address("e1")], ["The link to the message is copied."]]);
  assert.equal(shown.find(".nbgc-announcer").textContent, "The link to the message is copied.");
  shown.view.dispose();
});

test("where a page knows no address, a time is only a time", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "hi"));
  assert.deepEqual([all("a").length, all('[data-tool="link"]').length, all("time").length], [0, 0, 1]);
});

test("a link to a message waits for the room, and one that is not there is said", async () => {
  const shown = await show();
  await shown.hear(posted(1, "hi"));
  shown.view.show("e1");
  await frame();
  assert.ok(shown.find('[data-message-id="e1"]').hasAttribute("data-shown"));
  shown.view.show("gone");
  await frame();
  await frame();
  assert.match(shown.text(".nbgc-remark")[0] ?? "", /is not in this room/);
  shown.view.dispose();
});

test("what came while the page was hidden has a line above it, and begins a group", async () => {
  const shown = await show();
  await shown.hear(posted(1, "a"));
  Object.defineProperty(document, "hidden", { configurable: true, value: true });
  document.dispatchEvent(new Event("visibilitychange"));
  await shown.hear(posted(2, "b"), posted(3, "c"));
  Object.defineProperty(document, "hidden", { configurable: true, value: false });
  document.dispatchEvent(new Event("visibilitychange"));
  await frame();
  assert.deepEqual(shown.text(".nbgc-unread"), ["New"]);
  assert.equal(shown.find(".nbgc-unread").nextElementSibling?.getAttribute("data-message-id"), "e2");
  assert.deepEqual(shown.all("article").map((one) => one.hasAttribute("data-continued")), [false, false, true]);
  key(await write(shown, "seen"), "Enter");
  await frame();
  assert.equal(shown.all(".nbgc-unread").length, 0);
});

test("a day is named where it begins", async () => {
  const { text, hear } = await show();
  const now = Date.now();
  await hear(posted(1, "a", { ts: now - 24 * 3_600_000 }), posted(2, "b", { ts: now }), posted(3, "c", { ts: now }));
  assert.deepEqual(text(".nbgc-day"), ["Yesterday", "Today"]);
});

test("a post that has to wait says the server's reason and when it goes again", async () => {
  const shown = await show();
  key(await write(shown, "hello"), "Enter");
  await shown.hub.last("post").answer({ error: { code: "too_fast", message: "Go on in 3 s.", retry_ms: 3_000 } });
  await frame();
  assert.match(shown.find("article[data-pending=waiting] .nbgc-note").textContent ?? "", /Go on in 3 s\. It is sent again at /);
});

test("who waits at the door, and who has no server, is told so", async () => {
  const shown = await show();
  shown.reader.lost();
  await shown.hub.last("join").answer({ error: { code: "too_many", message: "The room is full.", retry_ms: 10_000 } });
  await frame();
  assert.match(shown.find('[data-wait="door"]').textContent ?? "", /The room is full\. The panel goes on by itself at /);
});
