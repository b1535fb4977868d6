import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, edited, posted, redacted } from "./fakes";
import { key, show, write, type Shown } from "./shown";

async function editing(change: object = {}): Promise<Shown & { field: HTMLTextAreaElement }> {
  const shown = await show(change);
  await shown.hear(posted(1, "Fryday", { by: ANA.id }), posted(2, "mine too", { by: ANA.id }));
  shown.find<HTMLButtonElement>('[data-message-id="e1"] [data-tool="edit"]').click();
  await frame();
  return { ...shown, field: shown.find<HTMLTextAreaElement>('[data-message-id="e1"] .nbgc-editor-input') };
}

async function typed(field: HTMLTextAreaElement, text: string): Promise<void> {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await frame();
}

test("a message is edited in its place, and its new text stands there while it is on its way", async () => {
  const { field, find, all, hub, hear } = await editing();
  assert.deepEqual([field.value, document.activeElement], ["Fryday", field]);
  await typed(field, "Friday");
  assert.equal(key(field, "Enter").defaultPrevented, true);
  await frame();
  const { argument } = hub.last("edit");
  assert.deepEqual([argument["id"], argument["text"]], ["e1", "Friday"]);
  const article = find('[data-message-id="e1"]');
  assert.deepEqual([article.querySelector(".nbgc-text")?.textContent, article.dataset["changing"]], ["Friday", "edit"]);
  assert.equal(all(".nbgc-editor").length, 0);
  await hub.last("edit").answer({ seq: 3 });
  await hear(edited(3, "e1", "Friday", { by: ANA.id }));
  assert.deepEqual([article.dataset["changing"], article.querySelector<HTMLElement>(".nbgc-text")?.dataset["edited"]], [undefined, "edited"]);
  assert.equal(document.activeElement, article.querySelector('[data-tool="edit"]'));
});

test("Escape gives up, and the focus is where it was", async () => {
  const { field, find, all, hub } = await editing();
  await typed(field, "other");
  key(field, "Escape");
  await frame();
  assert.deepEqual([all(".nbgc-editor").length, hub.all("edit").length], [0, 0]);
  assert.equal(find('[data-message-id="e1"] .nbgc-text').textContent, "Fryday");
  assert.equal(document.activeElement, find('[data-message-id="e1"] [data-tool="edit"]'));
});

test("Up in an empty composer edits one's newest message, and leads back", async () => {
  const shown = await show();
  await shown.hear(posted(1, "a", { by: ANA.id }), posted(2, "b", { by: ANA.id }), posted(3, "c"));
  const composer = await write(shown, "x");
  assert.equal(key(composer, "ArrowUp").defaultPrevented, false);
  await write(shown, "");
  assert.equal(key(composer, "ArrowUp").defaultPrevented, true);
  await frame();
  const field = shown.find<HTMLTextAreaElement>('[data-message-id="e2"] .nbgc-editor-input');
  assert.equal(field.value, "b");
  key(field, "Escape");
  await frame();
  assert.equal(document.activeElement, composer);
});

test("Up with nothing of one's own stays in the composer", async () => {
  const shown = await show();
  await shown.hear(posted(1, "a"));
  assert.equal(key(shown.find(".nbgc-input"), "ArrowUp").defaultPrevented, false);
  assert.equal(shown.all(".nbgc-editor").length, 0);
});

test("what others do meanwhile leaves the text that is being written alone", async () => {
  const { field, find, hear } = await editing();
  await typed(field, "half a thou");
  await hear(posted(3, "hi"), edited(4, "e1", "from elsewhere", { by: ANA.id }));
  assert.equal(find(".nbgc-editor-input"), field);
  assert.equal(field.value, "half a thou");
});

test("an empty text and one that is too long say why they cannot be saved", async () => {
  const { field, find, text, hub } = await editing({ limits: { frame: 100, text: 8 } });
  await typed(field, " ");
  assert.equal(find<HTMLButtonElement>(".nbgc-editor-save").disabled, true);
  key(field, "Enter");
  await typed(field, "12345678é");
  assert.match(text(".nbgc-editor [role=alert]")[0] ?? "", /^Too long: 10 of 8 bytes/);
  key(field, "Enter");
  assert.equal(hub.all("edit").length, 0);
  await typed(field, "1234567é".slice(1));
  find(".nbgc-editor").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  assert.equal(hub.last("edit").argument["text"], "234567é");
});

test("a text that is as it was is no edit, nor is an input method's Enter", async () => {
  const { field, all, hub } = await editing();
  key(field, "Enter", { isComposing: true });
  key(field, "Escape", { isComposing: true });
  await frame();
  assert.equal(all(".nbgc-editor").length, 1);
  key(field, "Enter");
  await frame();
  assert.deepEqual([all(".nbgc-editor").length, hub.all("edit").length], [0, 0]);
});

test("a message is removed once one has said so", async () => {
  const { find, all, hub, hear } = await editing();
  find<HTMLButtonElement>('[data-message-id="e2"] [data-tool="remove"]').click();
  await frame();
  assert.equal(hub.all("redact").length, 0);
  assert.equal(document.activeElement?.textContent?.trim(), "Keep");
  (document.activeElement as HTMLElement).click();
  await frame();
  assert.equal(document.activeElement, find('[data-message-id="e2"] [data-tool="remove"]'));
  assert.deepEqual([all(".nbgc-removal").length, hub.all("redact").length], [0, 0]);
  find<HTMLButtonElement>('[data-message-id="e2"] [data-tool="remove"]').click();
  await frame();
  find<HTMLButtonElement>(".nbgc-remove").click();
  await frame();
  assert.deepEqual(hub.last("redact").argument, { room: "lobby", id: "e2" });
  await hub.last("redact").answer({ seq: 3 });
  await hear(redacted(3, "e2"));
  const article = find('[data-message-id="e2"]');
  assert.deepEqual([article.hasAttribute("data-redacted"), article.querySelector(".nbgc-removed")?.textContent], [true, "Removed"]);
  assert.deepEqual([article.querySelector(".nbgc-text"), article.querySelector("[data-tool]")], [null, null]);
});

test("one cannot go on to edit what was removed meanwhile", async () => {
  const { find, all, hear } = await editing();
  await hear(redacted(3, "e1"));
  assert.equal(all(".nbgc-editor").length, 0);
  assert.equal(document.activeElement, find(".nbgc-transcript"));
});
