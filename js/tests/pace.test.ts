import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../src/pace";
import { FakeClock } from "./fakes";

/** A page that can be hidden and come back; `cost` is how long each showing takes. */
function begin(cost = 0) {
  const clock = new FakeClock();
  const page = new EventTarget() as unknown as Document;
  const pace = new Pace(clock, page);
  const shown: string[] = [];
  const show = (what: string) => () => {
    shown.push(what);
    void clock.pass(cost);
  };
  return { clock, page, pace, shown, show };
}

test("the first is shown at once, the next after fifty milliseconds, as it is then", async () => {
  const { clock, pace, shown, show } = begin();
  for (const what of ["a", "ab", "abc"]) pace.ask(show(what));
  assert.deepEqual(shown, ["a"]);
  await clock.pass(49);
  assert.deepEqual(shown, ["a"]);
  await clock.pass(1);
  assert.deepEqual(shown, ["a", "abc"]);
  await clock.pass(1000);
  pace.ask(show("abcd"));
  assert.deepEqual(shown, ["a", "abc", "abcd"]);
});

test("what takes long is shown more rarely: four times as long is for everything else", async () => {
  const { clock, pace, shown, show } = begin(100);
  pace.ask(show("a"));
  pace.ask(show("ab"));
  await clock.pass(399);
  assert.deepEqual(shown, ["a"]);
  await clock.pass(1);
  assert.deepEqual(shown, ["a", "ab"]);
});

test("the end is shown at once, and nothing older after it", async () => {
  const { clock, pace, shown, show } = begin();
  pace.ask(show("a"));
  pace.ask(show("ab"));
  pace.now(show("end"));
  await clock.pass(1000);
  assert.deepEqual(shown, ["a", "end"]);
  assert.equal(clock.waiting, 0);
});

test("who comes back to a hidden page sees at once what is there", () => {
  const { page, pace, shown, show } = begin();
  pace.ask(show("a"));
  pace.ask(show("ab"));
  page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(shown, ["a", "ab"]);
  page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(shown, ["a", "ab"]);
});

test("what was stopped is not shown", async () => {
  const { clock, page, pace, shown, show } = begin();
  pace.ask(show("a"));
  pace.ask(show("ab"));
  pace.stop();
  page.dispatchEvent(new Event("visibilitychange"));
  await clock.pass(1000);
  assert.deepEqual(shown, ["a"]);
});
