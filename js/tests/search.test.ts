import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { posted } from "./fakes";
import { key, show, type Shown } from "./shown";

const hit = (seq: number, snippet: string): object => ({ id: `e${seq}`, seq, ts: 1_760_000_000_000, name: "Ben", snippet });

async function asked(shown: Shown, text: string): Promise<void> {
  shown.find<HTMLInputElement>(".nbgc-search-input").value = text;
  shown.find<HTMLFormElement>(".nbgc-search-form").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await frame();
}

async function searching(text: string): Promise<Shown> {
  const shown = await show();
  await shown.hear(posted(1, "the demo"), posted(2, "hm"));
  shown.find<HTMLButtonElement>(".nbgc-search-open").click();
  await frame();
  assert.equal(document.activeElement, shown.find(".nbgc-search-input"));
  await asked(shown, text);
  return shown;
}

test("what was found is listed as text, and leads to its message", async () => {
  const shown = await searching(" demo ");
  assert.deepEqual(shown.hub.last("search").argument, { room: "lobby", text: "demo" });
  assert.deepEqual(shown.text(".nbgc-search [role=status]"), ["Searching…"]);
  await shown.hub.last("search").answer({ hits: [hit(1, "the <b>demo</b>")], before: 0 });
  await frame();
  assert.match(shown.text("[data-hit-id]")[0] ?? "", /Ben[\s\S]*the <b>demo<\/b>/);
  assert.deepEqual(shown.text(".nbgc-search [role=status]"), ["1 message"]);
  shown.find<HTMLButtonElement>("[data-hit-id]").click();
  await frame();
  assert.equal(document.activeElement, shown.find('[data-message-id="e1"]'));
});

test("older messages are searched when asked for", async () => {
  const shown = await searching("demo");
  await shown.hub.last("search").answer({ hits: [hit(9, "demo")], before: 9 });
  await frame();
  const older = shown.find<HTMLButtonElement>(".nbgc-search-older");
  older.focus();
  older.click();
  await frame();
  older.click();
  assert.equal(shown.hub.all("search").length, 2);
  assert.equal(document.activeElement, older);
  assert.deepEqual(shown.hub.last("search").argument, { room: "lobby", text: "demo", before: 9 });
  await shown.hub.last("search").answer({ hits: [hit(1, "the demo")], before: 0 });
  await frame();
  assert.deepEqual([shown.all("[data-hit-id]").length, shown.all(".nbgc-search-older").length], [2, 0]);
  assert.equal(document.activeElement, shown.find(".nbgc-search-input"));
});

test("a newer search takes the place of one that is not answered yet", async () => {
  const shown = await searching("one");
  const [first] = shown.hub.all("search");
  await asked(shown, "two");
  await first?.answer({ hits: [hit(1, "one")], before: 0 });
  await frame();
  assert.equal(shown.all("[data-hit-id]").length, 0);
  await shown.hub.last("search").answer({ error: { code: "too_fast", message: "Go on in 3 s.", retry_ms: 3000 } });
  await frame();
  assert.deepEqual(shown.text(".nbgc-search [role=status]"), ["Go on in 3 s."]);
});

test("a slash opens it where nothing is written, and Escape leads back to its button", async () => {
  const { find, all } = await show();
  key(find(".nbgc-input"), "/");
  await frame();
  assert.equal(all(".nbgc-search").length, 0);
  assert.equal(key(find(".nbgc-transcript"), "/").defaultPrevented, true);
  await frame();
  key(find(".nbgc-search-input"), "Escape");
  await frame();
  assert.equal(all(".nbgc-search").length, 0);
  assert.equal(document.activeElement, find(".nbgc-search-open"));
});
