import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, mentions, runs } from "../src/text";
import { frames } from "./fakes";

for (const { text, addressed } of frames<{ text: string; addressed: boolean }>("mentions")) {
  test(`whom a text addresses: ${JSON.stringify(text)}`, () => assert.equal(mentions(text, "@llama"), addressed));
}

test("letters of any script are part of a word", () => {
  for (const text of ["@llamaé", "é@llama", "@llama2"]) assert.ok(!mentions(text, "@llama"), text);
});

test("a line that only looks like a fence is prose with a span, and nothing of it is lost", () => {
  const text = "```x = 1``` is great\nsecond line";
  assert.deepEqual(runs(text, null), [{ kind: "prose", text }]);
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

test("a beginning is one line, cut between characters", () => {
  assert.equal(beginning(" a\n\tb ", 10), "a b");
  assert.equal(beginning("🦙🦙🦙", 3), "🦙🦙🦙");
  assert.equal(beginning("🦙🦙🦙🦙", 3), "🦙🦙🦙…");
  assert.equal(beginning("one. two", 4), "one…");
  assert.equal(beginning("x".repeat(100_000), 3), "xxx…");
  assert.equal(beginning(`ab${" ".repeat(50)}c`, 5), "ab…");
});
