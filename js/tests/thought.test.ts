import assert from "node:assert/strict";
import { test } from "node:test";
import { parts } from "../src/thought";

test("a text without a thought is the answer, with every character it has", () => {
  for (const text of ["", " hello ", "a <think> b", "<thinking>x</thinking>", "a <think>b</think> c"]) {
    assert.deepEqual(parts(text), { thought: null, thinking: false, answer: text }, text);
  }
});

test("what stands between the marks is thought, also while the closing one is still to come", () => {
  assert.deepEqual(parts("<think>\nhm"), { thought: "hm", thinking: true, answer: "" });
  assert.deepEqual(parts("\n<think>hm</think>\n\nYes."), { thought: "hm", thinking: false, answer: "Yes." });
  assert.deepEqual(parts("<think>a</think>b</think>c").answer, "b</think>c");
});

test("where the model's template opens the thought, the reply only closes it", () => {
  assert.deepEqual(parts("hm\n</think>\nYes."), { thought: "hm", thinking: false, answer: "Yes." });
});

test("who thought nothing has nothing to unfold", () => {
  assert.deepEqual(parts("<think>\n\n</think>\n\nYes."), { thought: null, thinking: false, answer: "Yes." });
});
