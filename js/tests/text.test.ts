import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, mentionRuns, mentions } from "../src/text";
import { frames } from "./fakes";

for (const { text, addressed } of frames<{ text: string; addressed: boolean }>("mentions")) {
  test(`whom a text addresses: ${JSON.stringify(text)}`, () => assert.equal(mentions(text, "@llama"), addressed));
}

test("letters of any script are part of a word", () => {
  for (const text of ["@llamaé", "é@llama", "@llama2"]) assert.ok(!mentions(text, "@llama"), text);
});

test("a mention after code counts", () => {
  assert.ok(mentions("```\nx = 1\n```\n@llama what is this?", "@llama"));
});

test("the runs of a text have every character it has", () => {
  const text = "@llama and @llama.org and @LLAMA.";
  const found = mentionRuns(text, "@llama");
  assert.equal(found.map((run) => run.text).join(""), text);
  assert.deepEqual(found.filter((run) => run.kind === "mention").map((run) => run.text), ["@llama", "@LLAMA"]);
  assert.deepEqual(mentionRuns("", "@llama"), []);
});

test("a beginning is one line, cut between characters", () => {
  assert.equal(beginning(" a\n\tb ", 10), "a b");
  assert.equal(beginning("🦙🦙🦙", 3), "🦙🦙🦙");
  assert.equal(beginning("🦙🦙🦙🦙", 3), "🦙🦙🦙…");
  assert.equal(beginning("one. two", 4), "one…");
  assert.equal(beginning("x".repeat(100_000), 3), "xxx…");
  assert.equal(beginning(`ab${" ".repeat(50)}c`, 5), "ab…");
});
