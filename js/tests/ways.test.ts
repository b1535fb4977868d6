import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG_POLLING, PATIENCE_MS, SERVER_SENT_EVENTS, WEB_SOCKETS, Watch, Ways } from "../src/ways";
import { FakeClock } from "./fakes";

const ALL = WEB_SOCKETS | SERVER_SENT_EVENTS | LONG_POLLING;

test("all ways are tried, but those that stayed silent", () => {
  const ways = new Ways();
  assert.equal(ways.open, ALL);
  ways.leaveOut(WEB_SOCKETS);
  assert.equal(ways.open, SERVER_SENT_EVENTS | LONG_POLLING);
  ways.leaveOut(SERVER_SENT_EVENTS);
  assert.equal(ways.open, LONG_POLLING);
});

test("when the ways that were left fail too, all are tried again", () => {
  const ways = new Ways();
  ways.leaveOut(WEB_SOCKETS);
  ways.failed(ALL);
  assert.equal(ways.open, SERVER_SENT_EVENTS | LONG_POLLING, "that attempt had tried the one that is left out now");
  ways.failed(ways.open);
  assert.equal(ways.open, ALL);
});

test("an attempt that finds another silent way leaves both out", () => {
  const ways = new Ways();
  ways.leaveOut(WEB_SOCKETS);
  const tried = ways.open;
  ways.leaveOut(SERVER_SENT_EVENTS);
  ways.failed(tried);
  assert.equal(ways.open, LONG_POLLING);
});

for (const [name, act, given] of [
  ["that does not open", () => {}, 1],
  ["that opens and stays silent", (watch: Watch) => watch.opened(), 1],
  ["over which the server speaks", (watch: Watch) => { watch.opened(); watch.done(); }, 0],
] as const) {
  test(`a way ${name} is given up ${given} times`, async () => {
    const clock = new FakeClock();
    let givenUp = 0;
    const watch = new Watch(clock, () => (givenUp += 1));
    await clock.pass(PATIENCE_MS - 1);
    act(watch);
    await clock.pass(PATIENCE_MS - 1);
    await clock.pass(1);
    assert.equal(givenUp, given);
    assert.equal(clock.waiting, 0);
  });
}
