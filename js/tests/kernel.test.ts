import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionThrough } from "../src/kernel";
import { ANA, FakeClock, joinedAnswer, live, posted, settle } from "./fakes";
import { FakeKernel, type Said } from "./kernels";

const END = "\u001e";

interface Message { type?: number; target?: string; invocationId?: string; arguments?: unknown[] }

/** A hub behind a fake kernel, which answers the real SignalR client. */
function hubBehind(kernel: FakeKernel): { invoked: Message[]; tell: (...events: object[]) => void; cut: () => void } {
  const invoked: Message[] = [];
  let seq = 0;
  const connection = (): string => kernel.of("open").at(-1)?.connection ?? "";
  const send = (message: object): void => kernel.frame(connection(), JSON.stringify(message) + END);
  const tell = (...events: object[]): void => send({ type: 1, target: "event", arguments: ["lobby", events] });
  kernel.takes = ({ frames }: Said) => {
    for (const text of (frames ?? []).join("").split(END).slice(0, -1)) {
      const message = JSON.parse(text) as Message & { protocol?: string };
      if (message.protocol !== undefined) send({});
      if (message.type !== 1) continue;
      invoked.push(message);
      if (message.target === "join") {
        const mode = (message.arguments?.[0] as { resume?: unknown }).resume === undefined ? "snapshot" : "tail";
        send({ type: 3, invocationId: message.invocationId, result: joinedAnswer({ you: { ...ANA, kind: "kernel" }, mode }) });
        tell(live(seq));
      } else if (message.target === "post") {
        seq += 1;
        send({ type: 3, invocationId: message.invocationId, result: { id: `e${seq}`, seq, duplicate: false } });
        tell(posted(seq, (message.arguments?.[0] as { text: string }).text, { by: ANA.id, kind: "kernel" }));
      }
    }
  };
  return { invoked, tell, cut: () => kernel.tell("closed", connection(), { code: 1012, reason: "" }) };
}

/** The SignalR client's own promises and timers take their turns. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test("the stock SignalR client joins and posts through the kernel, and the reader knows the way", async (t) => {
  const kernel = new FakeKernel();
  hubBehind(kernel);
  const clock = new FakeClock();
  const connection = connectionThrough(kernel, clock);
  const handle = connection.open("lobby");
  const { reader } = handle;
  t.after(async () => {
    handle.release();
    await clock.pass(60_000);
    await until(() => kernel.of("close").length > 0);
  });
  assert.equal(reader.snapshot.relay, "open");
  await until(() => reader.snapshot.link === "live");
  assert.equal(reader.snapshot.you?.kind, "kernel");
  reader.post("hello");
  await until(() => reader.snapshot.room.messages.size === 1);
  assert.equal(connection.isRelayed, true);
});

test("a post waits for a running cell, is known to wait, and goes when the cell has ended; what comes, comes at once", async (t) => {
  const kernel = new FakeKernel();
  const hub = hubBehind(kernel);
  const clock = new FakeClock();
  const handle = connectionThrough(kernel, clock).open("lobby");
  const { reader } = handle;
  t.after(async () => {
    handle.release();
    await clock.pass(60_000);
    await until(() => kernel.of("close").length > 0);
  });
  await until(() => reader.snapshot.link === "live");
  await settle();
  kernel.busy = true;
  reader.post("typed while it runs");
  await until(() => kernel.of("frames").some(({ frames }) => frames?.join("").includes("typed")));
  await clock.pass(1_000);
  assert.deepEqual([reader.snapshot.relay, reader.snapshot.pending.length], ["waiting", 1]);
  hub.tell({ type: "typing", by: "m2", on: true });
  await until(() => reader.snapshot.room.typing.size === 1);
  await kernel.idle();
  await until(() => reader.snapshot.room.messages.size === 1);
  assert.deepEqual([reader.snapshot.relay, reader.snapshot.pending.length], ["open", 0]);
});

test("a connection that is cut comes back through the kernel, where it was", async (t) => {
  const kernel = new FakeKernel();
  const hub = hubBehind(kernel);
  const clock = new FakeClock();
  const handle = connectionThrough(kernel, clock).open("lobby");
  const { reader } = handle;
  t.after(async () => {
    handle.release();
    await clock.pass(60_000);
    await until(() => kernel.of("close").length > 0);
  });
  await until(() => reader.snapshot.link === "live");
  reader.post("before");
  await until(() => reader.snapshot.room.messages.size === 1);
  hub.cut();
  await until(() => reader.snapshot.link === "reconnecting" && clock.waiting > 0);
  await clock.pass(1_000);
  await until(() => hub.invoked.filter(({ target }) => target === "join").length === 2);
  const again = hub.invoked.filter(({ target }) => target === "join").at(-1)?.arguments?.[0] as { resume?: unknown };
  assert.deepEqual(again.resume, { epoch: "e1", seq: 1, eid: "e1" });
});

test("a kernel that cannot reach the hub either is a problem in its own words", async () => {
  const kernel = new FakeKernel();
  kernel.takes = ({ relay, connection }) => {
    if (relay === "open") kernel.tell("closed", connection, { code: 1013, reason: "Restart the server." });
  };
  // It says no before it says that it has opened.
  const tell = kernel.tell.bind(kernel);
  kernel.tell = (relay, connection, fields) => {
    if (relay !== "opened") tell(relay, connection, fields);
  };
  const { reader } = connectionThrough(kernel, new FakeClock()).open("lobby");
  await until(() => reader.snapshot.problem !== null);
  assert.deepEqual(reader.snapshot.problem, { kind: "no_hub", message: "Restart the server." });
});
