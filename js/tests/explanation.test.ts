import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { closed, edited, explanation, opened, posted, redacted } from "./fakes";
import { key, show, type Shown } from "./shown";

async function opening(): Promise<Shown> {
  const shown = await show();
  await shown.hear(posted(1, "when?"), opened(2, "e1"), closed(3, "e2", "on Friday"));
  shown.find<HTMLButtonElement>('[data-tool="explain"]').click();
  await frame();
  return shown;
}

async function answered(change: object = {}): Promise<Shown> {
  const shown = await opening();
  await shown.hub.last("explain").answer(explanation(change));
  await frame();
  return shown;
}

const words = (shown: Shown, selector: string): string[] => shown.text(selector).map((text) => text.replace(/\s+/g, " "));

test("a sheet opens with the focus in it, and says what was read, counted and run", async () => {
  const shown = await answered({ left_out: 12 });
  const sheet = shown.find(".nbgc-sheet");
  assert.deepEqual([sheet.getAttribute("role"), sheet.getAttribute("aria-label")], ["dialog", "What llama saw"]);
  assert.equal(document.activeElement, shown.find(".nbgc-close"));
  assert.deepEqual(words(shown, ".nbgc-sheet-body > p"), [
    "It read 70 tokens, 50 of them before and 20 for this reply, and wrote 9.", "12 earlier messages had no room and were left out.",
  ]);
  assert.deepEqual(words(shown, ".nbgc-reads > li"), ["Server You are llama.", "Ben when?"]);
  assert.deepEqual(words(shown, ".nbgc-run dd"), ["SmolLM2", "00ff00ff00ff…", "0.5", "7", "at most 512 tokens"]);
});

test("Escape closes it, and the focus is back on its button", async () => {
  const shown = await answered();
  key(shown.find(".nbgc-close"), "Escape");
  await frame();
  assert.equal(shown.all(".nbgc-sheet").length, 0);
  assert.equal(document.activeElement, shown.find('[data-tool="explain"]'));
});

test("a message that was read leads to where it stands", async () => {
  const shown = await answered();
  shown.find<HTMLButtonElement>('[data-read-id="e1"]').click();
  await frame();
  assert.equal(document.activeElement, shown.find('[data-message-id="e1"]'));
});

test("what was edited or removed since, and what is not held, is told", async () => {
  const read = [{ id: "e1", speaker: "Ben", text: "" }, { id: "e3", speaker: "Ana", text: "" }, { id: "old", speaker: "Cleo", text: "" }];
  const shown = await answered({ read: [...read, { id: "", speaker: "", text: "" }], redacted: ["e3"] });
  await shown.hear(edited(4, "e1", "when, please?"));
  assert.deepEqual(words(shown, ".nbgc-reads > li"), [
    "Ben when, please? edited", "Ana removed since", "Cleo an earlier message",
  ]);
  await shown.hear(redacted(5, "e1"));
  assert.equal(words(shown, ".nbgc-reads > li")[0], "Ben removed since");
});

test("long words of the server open on demand", async () => {
  const text = "You are llama, a helpful assistant in this room. ".repeat(4);
  const shown = await answered({ read: [{ id: "", speaker: "", text }] });
  assert.match(words(shown, "summary")[0] ?? "", /^Server You are llama, .*…$/);
  assert.equal(shown.find(".nbgc-read-whole").textContent, text);
});

test("a refusal and a missing answer say so, and what was closed stays closed", async () => {
  const shown = await opening();
  assert.deepEqual(words(shown, ".nbgc-sheet-body"), ["Fetching…"]);
  await shown.hub.last("explain").answer({ error: { code: "not_found", message: "Nothing is recorded.", retry_ms: null } });
  await frame();
  assert.deepEqual(words(shown, ".nbgc-sheet-body"), ["Nothing is recorded."]);
  shown.find<HTMLButtonElement>('[data-tool="explain"]').click();
  await shown.hub.last("explain").fail();
  await frame();
  assert.match(words(shown, ".nbgc-sheet-body")[0] ?? "", /^The server gave no answer/);
  shown.find<HTMLButtonElement>('[data-tool="explain"]').click();
  shown.find<HTMLButtonElement>(".nbgc-close").click();
  await shown.hub.last("explain").answer(explanation());
  await frame();
  assert.equal(shown.all(".nbgc-sheet").length, 0);
});

test("an engine without a file names none, and what nobody had read before is told so", async () => {
  const shown = await answered({ sha256: "", model: "", cached: 0, evaluated: 70, left_out: 1 });
  assert.deepEqual(words(shown, ".nbgc-sheet-body > p"), [
    "It read 70 tokens for this reply and wrote 9.", "1 earlier message had no room and was left out.",
  ]);
  assert.deepEqual(words(shown, ".nbgc-run dt"), ["Model", "Temperature", "Seed", "Length"]);
});
