import assert from "node:assert/strict";
import { test } from "node:test";
import { socketsOver, type Socket } from "../src/relay";
import { FakeClock, settle } from "./fakes";
import { FakeKernel } from "./kernels";

interface Way {
  clock: FakeClock;
  kernel: FakeKernel;
  waits: boolean[];
  refusals: string[];
  events: string[];
  socket: () => Socket;
  id: () => string;
}

function way(): Way {
  const clock = new FakeClock();
  const kernel = new FakeKernel();
  const waits: boolean[] = [];
  const refusals: string[] = [];
  const events: string[] = [];
  const Sockets = socketsOver(kernel, clock, { waits: (one) => waits.push(one), refused: (why) => refusals.push(why) });
  const socket = (): Socket => {
    const made = new Sockets();
    made.onopen = () => events.push("open");
    made.onmessage = ({ data }) => events.push(`frame ${data}`);
    made.onclose = ({ code, reason, wasClean }) => events.push(`close ${code} ${reason} ${wasClean}`);
    return made;
  };
  return { clock, kernel, waits, refusals, events, socket, id: () => kernel.of("open").at(-1)?.connection ?? "" };
}

test("a socket opens after its maker has had the time to listen", async () => {
  const { kernel, events, socket } = way();
  const made = socket();
  assert.deepEqual([kernel.said, events, made.readyState], [[], [], 0]);
  await settle();
  assert.deepEqual([events, made.readyState], [["open"], 1]);
  assert.deepEqual(Object.keys(kernel.said[0] ?? {}).sort(), ["connection", "relay"]);
});

test("frames go up and down as they are", async () => {
  const { kernel, events, socket, id } = way();
  const made = socket();
  await settle();
  made.send('{"a":1}\u001e');
  kernel.frame(id(), '{"b":"é"}\u001e');
  assert.deepEqual(kernel.of("frames").map(({ frames }) => frames), [['{"a":1}\u001e']]);
  assert.deepEqual(events, ["open", 'frame {"b":"é"}\u001e']);
});

test("each socket has an id of its own, and hears nothing that is for another", async () => {
  const { kernel, events, socket, id } = way();
  socket();
  await settle();
  const first = id();
  socket();
  await settle();
  const second = id();
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.notEqual(first, second);
  events.length = 0;
  kernel.frame(first, "one");
  for (const stranger of [null, "x", {}, { relay: "frame", connection: "other", number: 1, data: "no" }]) {
    kernel.tell("", "", (stranger ?? {}) as object);
  }
  assert.deepEqual(events, ["frame one"]);
  kernel.tell("closed", second, { code: 1000, reason: "" });
  assert.deepEqual(events, ["frame one", "close 1000  true"]);
});

test("one message is under way at a time; what is sent meanwhile goes together, in order", async () => {
  const { kernel, socket } = way();
  const made = socket();
  await settle();
  kernel.busy = true;
  for (const frame of ["one", "two", "three"]) made.send(frame);
  assert.deepEqual(kernel.of("frames").map(({ frames }) => frames), [["one"]]);
  await kernel.idle();
  assert.deepEqual(kernel.of("frames").map(({ frames }) => frames), [["one"], ["two", "three"]]);
});

test("a kernel that takes nothing for a second is said to let things wait, until it takes them", async () => {
  const { clock, kernel, waits, socket } = way();
  const made = socket();
  await settle();
  await clock.pass(60_000);
  kernel.busy = true;
  made.send("one");
  await clock.pass(999);
  assert.deepEqual(waits, []);
  await clock.pass(1);
  assert.deepEqual(waits, [true]);
  await kernel.idle();
  assert.deepEqual(waits, [true, false]);
});

test("what was heard is acknowledged with what is sent and, where much was heard, by itself", async () => {
  const { kernel, socket, id } = way();
  const made = socket();
  await settle();
  kernel.frame(id(), "x");
  assert.equal(kernel.of("frames").length, 0);
  made.send("one");
  kernel.frame(id(), "x".repeat(256 * 1024));
  assert.deepEqual(kernel.of("frames").map(({ frames, heard }) => [frames, heard]), [[["one"], 1], [[], 2]]);
});

test("a frame that was lost on the way ends the connection, for a new one knows what is missing", async () => {
  const { kernel, events, socket, id } = way();
  const made = socket();
  await settle();
  kernel.frame(id(), "one");
  kernel.tell("frame", id(), { number: 3, data: "three" });
  assert.deepEqual(events.slice(1), ["frame one", "close 1006 a frame was lost between the kernel and this page false"]);
  assert.deepEqual([kernel.of("close").length, made.readyState, kernel.listeners], [1, 3, 0]);
});

test("a socket that is closed tells the kernel, listens no more, and waits for nothing", async () => {
  const { clock, kernel, waits, events, socket, id } = way();
  const made = socket();
  await settle();
  kernel.busy = true;
  made.send("one");
  await clock.pass(2_000);
  made.close();
  made.close();
  kernel.frame(id(), "late");
  assert.deepEqual([kernel.of("close").length, kernel.listeners, clock.waiting], [1, 0, 0]);
  assert.deepEqual([waits, events], [[true, false], ["open", "close 1000  true"]]);
});

test("a kernel that cannot reach the hub either says why; one whose connection failed is only tried again", async () => {
  const { kernel, refusals, socket, id } = way();
  for (const [code, expected] of [[1006, []], [1013, ["Restart the server."]]] as const) {
    kernel.busy = true;
    socket();
    await settle();
    kernel.tell("closed", id(), { code, reason: "Restart the server." });
    assert.deepEqual(refusals, expected);
  }
});
