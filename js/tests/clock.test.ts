import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/clock";

test("waiting doubles up to half a minute, and never ends", () => {
  const longest = [1, 2, 3, 7, 8, 1000].map((attempt) => backoff(attempt, () => 1));
  assert.deepEqual(longest, [500, 1000, 2000, 30_000, 30_000, 30_000]);
});

test("waiting is spread over the upper half", () => {
  assert.deepEqual([backoff(1, () => 0), backoff(8, () => 0)], [250, 15_000]);
});
