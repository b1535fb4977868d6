import assert from "node:assert/strict";
import { test } from "node:test";
import { mentions, runs } from "../src/text";

test("a mention stands by itself, in any case", () => {
  for (const text of ["@llama hi", "hi @Llama!", "(@llama)", "well,@llama", "@llama.", "@llama, please", "a\n@llama"]) {
    assert.ok(mentions(text, "@llama"), text);
  }
});

test("a mention is none inside a word, an address, a longer name or code", () => {
  for (const text of [
    "llama", "ana@llama", "@llama2", "@llama_x", "@llama-x", "@llama.org", "@@llama", "/@llama", "`@llama`", "`` @llama ``",
    "```\n@llama\n```", "```\n@llama", "~~~\n@llama\n~~~", "@llamaé", "é@llama",
  ]) {
    assert.ok(!mentions(text, "@llama"), text);
  }
});

test("a mention after code counts", () => {
  assert.ok(mentions("```\nx = 1\n```\n@llama what is this?", "@llama"));
});

test("text without fences is one run with every character it has", () => {
  for (const text of ["plain", "two\n\nparagraphs\n", "  spaces  ", "`span`", "<b>\u202e</b>"]) {
    assert.deepEqual(runs(text, null), [{ kind: "prose", text }]);
  }
});

test("the runs of a text with mentions have every character it has", () => {
  const text = "@llama and `@llama` and @LLAMA.";
  const found = runs(text, "@llama");
  assert.equal(found.map((run) => run.text).join(""), text);
  assert.deepEqual(found.filter((run) => run.kind === "mention").map((run) => run.text), ["@llama", "@LLAMA"]);
});

test("a fence becomes code without its marks, also while it is still open", () => {
  assert.deepEqual(runs("a\n\n```py\nx = 1\n\ny\n```\n\nb", null), [
    { kind: "prose", text: "a" }, { kind: "code", text: "x = 1\n\ny" }, { kind: "prose", text: "b" },
  ]);
  assert.deepEqual(runs("```py\nx = 1", null), [{ kind: "code", text: "x = 1" }]);
  assert.deepEqual(runs("````\n```\n````", null), [{ kind: "code", text: "```" }]);
});

test("an empty text has no runs", () => {
  assert.deepEqual(runs("", "@llama"), []);
});
