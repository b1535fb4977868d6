import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { closed, opened, posted } from "./fakes";
import { READY, show } from "./shown";

test("a message shows who, what kind, when and what", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "hi", { kind: "kernel", name: "plots.ipynb" }));
  const article = find('article[data-message-id="e1"]');
  assert.deepEqual([article.dataset["kind"], article.dataset["status"]], ["kernel", "posted"]);
  assert.equal(find("article .nbgc-author").textContent, "plots.ipynb");
  assert.equal(find("article .nbgc-badge").textContent, "kernel");
  assert.equal(find("article .nbgc-text").textContent, "hi");
  assert.equal(find("article time").getAttribute("datetime"), "2025-10-09T08:53:21.000Z");
});

test("markup in texts and names stays text", async () => {
  const { root, find, hear } = await show();
  const evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\n```\n</code></pre><b>x</b>\n```";
  await hear(posted(1, evil, { name: "<b>Eve</b>", asks: ["m0"] }), {
    type: "presence", members: [{ id: "x", name: "<i>Eve</i>", kind: "human" }],
  }, { type: "status", state: "failed", model: "x", progress: null, message: "<u>no</u>" });
  assert.equal(root.querySelectorAll("img, script, b, u").length, 0);
  assert.equal(root.querySelectorAll("i").length, 0);
  assert.match(find(".nbgc-text").textContent ?? "", /^<img src=x onerror=alert\(1\)><script>/);
  assert.equal(find(".nbgc-code").textContent, "</code></pre><b>x</b>");
  assert.equal(find(".nbgc-author").textContent, "<b>Eve</b>");
});

test("a post is shown as Markdown, with the line breaks it has", async () => {
  const { find, text, hear } = await show();
  await hear(posted(1, "two\nlines\n\nand **one** with @llama and `code`", { asks: ["m0"] }));
  assert.deepEqual(text(".nbgc-text > p"), ["two\nlines", "and one with @llama and code"]);
  assert.deepEqual(text(".nbgc-text :is(strong, code)"), ["one", "code"]);
  assert.equal(find(".nbgc-text br").parentElement, find(".nbgc-text > p"));
  assert.equal(find(".nbgc-mention").textContent, "@llama");
});

test("a post that is on its way looks as it will", async () => {
  const { reader, text } = await show();
  reader.post("so **bold**");
  await frame();
  assert.deepEqual(text(".nbgc-pending .nbgc-text strong"), ["bold"]);
});

test("the beginning of a thought's mark, shown as an answer, does not come back", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"));
  for (const [from, words] of [[0, "<th"], [1, "in"], [2, "k>"]] as const) {
    await hear({ type: "delta", id: "e2", from, to: from + 1, text: words });
  }
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(find('[data-message-id="e2"] .nbgc-text').textContent, "");
});

test("what a model thinks before it answers is folded away, from replies alone", async () => {
  const { find, all, text, hear } = await show();
  await hear(posted(1, "<think>me</think> @llama?"), opened(2, "e1"));
  await hear({ type: "delta", id: "e2", from: 0, to: 1, text: "<think>\n**Hm**, " });
  assert.deepEqual([text("summary"), text(".nbgc-thinking strong")], [["Thinking…"], ["Hm"]]);
  assert.equal(find<HTMLDetailsElement>("details").open, false);
  await hear(closed(3, "e2", "<think>\n**Hm**, so.\n</think>\n\nYes."));
  assert.deepEqual([text("summary"), text(".nbgc-thinking")], [["What it thought first"], ["Hm, so."]]);
  assert.equal(find('article[data-message-id="e2"] .nbgc-text').textContent, "Yes.");
  assert.equal(find('article[data-message-id="e1"] .nbgc-text').textContent, "<think>me</think> @llama?");
  assert.equal(all("details").length, 1);
});

test("the end of a reply is shown at once, whatever still waited", async () => {
  const { text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"));
  await hear({ type: "delta", id: "e2", from: 0, to: 1, text: "a" });
  await hear({ type: "delta", id: "e2", from: 1, to: 2, text: "b" });
  await hear(closed(3, "e2", "abc\n\nd"));
  assert.deepEqual(text('article[data-message-id="e2"] .nbgc-text > p'), ["abc", "d"]);
});

test("only what the server found to be a mention is marked as one", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "no answer to @llama"));
  assert.equal(all(".nbgc-mention").length, 0);
});

test("a question that waits says how many are before it, until its turn comes", async () => {
  const { find, all, hear } = await show();
  await hear(posted(1, "@llama?"), posted(2, "hi"), { type: "queue", waiting: [{ id: "e1", before: 2 }] });
  assert.equal(find('article[data-message-id="e1"] .nbgc-waiting').textContent, "2 turns before this");
  await hear({ type: "queue", waiting: [{ id: "e1", before: 1 }] });
  assert.equal(find(".nbgc-waiting").textContent, "1 turn before this");
  await hear({ type: "queue", waiting: [] });
  assert.equal(all(".nbgc-waiting").length, 0);
});

test("a reply is being read, grows, can be stopped and ends", async () => {
  const { find, all, hear, hub } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"));
  const article = find('article[data-message-id="e2"]');
  assert.deepEqual([article.dataset["status"], article.getAttribute("aria-busy")], ["open", "true"]);
  assert.equal(find(".nbgc-reading").textContent, "reading…");
  await hear({ type: "delta", id: "e2", from: 0, to: 1, text: "On Fri" });
  assert.equal(all(".nbgc-reading").length, 0);
  assert.equal(article.querySelector(".nbgc-text")?.textContent, "On Fri");
  find<HTMLButtonElement>(".nbgc-stop").click();
  assert.deepEqual(hub.last("cancel").argument, { room: "lobby", id: "e2" });
  await hear(closed(3, "e2", "On Fri", "stopped"));
  assert.equal(find('article[data-message-id="e2"]'), article);
  assert.deepEqual([article.dataset["status"], article.hasAttribute("aria-busy")], ["stopped", false]);
  assert.equal(article.querySelector(".nbgc-note")?.textContent, "Stopped.");
  assert.equal(all(".nbgc-stop").length, 0);
});

test("a reply that failed says what to do", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "", "failed", "Install nbgroupchat[llama]."));
  assert.equal(find('[data-status="failed"] .nbgc-note').textContent, "Install nbgroupchat[llama].");
});

test("a strict policy finds no inline style to refuse", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "hi"), opened(2, "e1"), { ...READY, state: "loading", progress: 0.5 });
  assert.deepEqual(all("[style]").filter((one) => !one.matches("textarea")), []);
});

test("a question that waits can be withdrawn", async () => {
  const { find, all, hear, hub } = await show();
  await hear(posted(1, "@llama?"), posted(2, "hi"), { type: "queue", waiting: [{ id: "e1", before: 0 }] });
  assert.equal(all(".nbgc-withdraw").length, 1);
  find<HTMLButtonElement>('article[data-message-id="e1"] .nbgc-withdraw').click();
  assert.deepEqual(hub.last("cancel").argument, { room: "lobby", id: "e1" });
  await hear({ type: "queue", waiting: [] });
  assert.equal(all(".nbgc-withdraw").length, 0);
});

test("a mention that asks nobody is kept together, but not marked", async () => {
  const { find, all, hear } = await show();
  await hear(posted(1, "שלום @llama"));
  assert.deepEqual([find(".nbgc-text bdi").getAttribute("dir"), all(".nbgc-mention").length], ["ltr", 0]);
});

test("a mention reads from left to right in whatever text it stands", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "שלום @llama מה?", { asks: ["m0"] }));
  assert.deepEqual([find(".nbgc-mention").tagName, find(".nbgc-mention").getAttribute("dir")], ["BDI", "ltr"]);
});
