import assert from "node:assert/strict";
import { test } from "node:test";
import { Typist } from "../src/typist";
import { FakeClock } from "./fakes";

function typist(): { clock: FakeClock; told: boolean[]; typist: Typist } {
  const clock = new FakeClock();
  const told: boolean[] = [];
  return { clock, told, typist: new Typist(clock, (on) => told.push(on)) };
}

test("many keys are told once", () => {
  const { told, typist: one } = typist();
  for (let key = 0; key < 50; key += 1) one.wrote();
  assert.deepEqual(told, [true]);
});

test("it is told again while one goes on, and ended after a pause", async () => {
  const { clock, told, typist: one } = typist();
  for (let second = 0; second < 7; second += 1) {
    one.wrote();
    await clock.pass(1_000);
  }
  assert.deepEqual(told, [true, true, true]);
  await clock.pass(10_000);
  assert.deepEqual(told, [true, true, true, false]);
});

test("stopping is told at once, and only where it had begun", () => {
  const { told, typist: one } = typist();
  one.stopped();
  one.wrote();
  one.stopped();
  one.stopped();
  assert.deepEqual(told, [true, false]);
});

test("after a reset nothing is told any more", async () => {
  const { clock, told, typist: one } = typist();
  one.wrote();
  one.reset();
  await clock.pass(60_000);
  assert.deepEqual([told, clock.waiting], [[true], 0]);
});
