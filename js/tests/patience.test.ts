import assert from "node:assert/strict";
import { test } from "node:test";
import { patiently } from "../src/patience";
import { FakeClock, settle } from "./fakes";

const fast = { error: { code: "too_fast", message: "Slower.", retry_ms: 100 } };

test("what is answered, or refused for good, is asked once", async () => {
  const clock = new FakeClock();
  for (const answer of [{ seq: 1 }, undefined, { error: { code: "invalid", message: "No.", retry_ms: null } }]) {
    let asked = 0;
    assert.equal(await patiently(clock, () => Promise.resolve((asked += 1) && answer)), answer);
    assert.equal(asked, 1);
  }
});

test("what was too fast is asked again, some times", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const found = patiently(clock, () => Promise.resolve((asked += 1) && fast));
  await settle();
  assert.equal(asked, 1);
  await clock.pass(99);
  assert.equal(asked, 1);
  await clock.pass(1);
  assert.equal(asked, 2);
  await clock.pass(1_000);
  assert.deepEqual([await found, asked, clock.waiting], [fast, 5, 0]);
});
