import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, closed, opened, posted, redacted } from "./fakes";
import { key, show, write, type Shown } from "./shown";

async function answering(): Promise<Shown> {
  const shown = await show();
  await shown.hear(posted(1, "The demo is\non <b>Friday</b>."), posted(2, "ok", { by: ANA.id, name: ANA.name }));
  shown.find<HTMLButtonElement>('[data-message-id="e1"] [data-tool="reply"]').click();
  await frame();
  return shown;
}

test("what one answers stands above the text field, and goes with what is sent", async () => {
  const shown = await answering();
  assert.equal(document.activeElement, shown.find(".nbgc-input"));
  assert.deepEqual(shown.text(".nbgc-answered").map((line) => line.replace(/\s+/g, " ")), ["in answer to Ben The demo is on <b>Friday</b>."]);
  key(await write(shown, "why?"), "Enter");
  await frame();
  const { argument } = shown.hub.last("post");
  assert.deepEqual([argument["text"], argument["reply_to"]], ["why?", "e1"]);
  assert.equal(shown.all(".nbgc-answering").length, 0);
  assert.deepEqual(shown.text("[data-cid] .nbgc-quoted"), ["The demo is on <b>Friday</b>."]);
  key(await write(shown, "and"), "Enter");
  await shown.hub.last("post").answer({ id: "e3", seq: 3, duplicate: false });
  assert.equal("reply_to" in shown.hub.last("post").argument, false);
});

test("a message that is only a file is called as the file", async () => {
  const shown = await show();
  const file = { id: "0".repeat(64), name: "loss.csv", mime: "text/csv", size: 1, width: 0, height: 0, text: "n", cut: false };
  await shown.hear(posted(1, "", { attachments: [file] }));
  shown.find<HTMLButtonElement>('[data-message-id="e1"] [data-tool="reply"]').click();
  await frame();
  assert.deepEqual(shown.text(".nbgc-answered").map((line) => line.replace(/\s+/g, " ")), ["in answer to Ben loss.csv"]);
});

test("Escape gives up the answer first, then stops one's own question", async () => {
  const shown = await answering();
  await shown.hear(posted(3, "@llama?", { by: ANA.id }), opened(4, "e3"));
  const field = await write(shown, "draft");
  key(field, "Escape");
  await frame();
  assert.deepEqual([shown.all(".nbgc-answering").length, field.value, shown.hub.all("cancel").length], [0, "draft", 0]);
  key(field, "Escape");
  assert.equal(shown.hub.all("cancel").length, 1);
});

test("the button beside it gives up the answer, and the text stays", async () => {
  const shown = await answering();
  const field = await write(shown, "draft");
  shown.find<HTMLButtonElement>(".nbgc-unanswer").click();
  await frame();
  assert.deepEqual([shown.all(".nbgc-answering").length, field.value], [0, "draft"]);
  assert.equal(document.activeElement, field);
});

test("an answer quotes its message, also the one directly above, and leads there", async () => {
  const { find, text, hear } = await show();
  await hear(posted(1, "first"), posted(2, "second", { reply_to: "e1" }), posted(3, "third", { reply_to: "old" }));
  assert.deepEqual(text(".nbgc-quote").map((line) => line.replace(/\s+/g, " ")), ["in answer to Ben first", "in answer to an earlier message"]);
  find<HTMLButtonElement>('[data-message-id="e2"] .nbgc-quote').click();
  await frame();
  assert.equal(document.activeElement, find('[data-message-id="e1"]'));
});

test("what is redacted meanwhile says so above the text field, and above its answer", async () => {
  const shown = await answering();
  await shown.hear(posted(3, "yes", { reply_to: "e1" }), redacted(4, "e1"));
  assert.match(shown.find(".nbgc-answered").textContent ?? "", /Removed$/);
  assert.deepEqual(shown.text('[data-message-id="e3"] .nbgc-quoted'), ["Removed"]);
});

test("a post that was refused is taken back with what it answers", async () => {
  const shown = await answering();
  key(await write(shown, "why?"), "Enter");
  await shown.hub.last("post").answer({ error: { code: "forbidden", message: "No.", retry_ms: null } });
  await frame();
  (shown.all("[data-cid] .nbgc-note button").at(-1) as HTMLButtonElement).click();
  await frame();
  assert.equal(shown.find(".nbgc-answering").dataset["answers"], "e1");
  assert.equal(shown.find<HTMLTextAreaElement>(".nbgc-input").value, "why?");
});

test("the quote of a question stays away where the answer is right below it", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "yes"));
  assert.equal(all(".nbgc-quote").length, 0);
});
