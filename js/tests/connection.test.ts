import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, CutOff, Unreachable } from "../src/connection";
import { FakeClock, FakeHub, joinedAnswer, live, posted, settle } from "./fakes";

interface Network { clock: FakeClock; hubs: FakeHub[]; refusals: Error[]; connection: Connection; hub: () => FakeHub }

function network(): Network {
  const clock = new FakeClock();
  const hubs: FakeHub[] = [];
  const refusals: Error[] = [];
  const dial = (): FakeHub => {
    const hub = new FakeHub(refusals.shift() ?? null);
    hubs.push(hub);
    return hub;
  };
  const last = (): FakeHub => {
    const hub = hubs.at(-1);
    if (hub === undefined) throw new Error("nobody dialled");
    return hub;
  };
  return { clock, hubs, refusals, connection: new Connection(dial, clock, () => 1), hub: last };
}

async function enter(hub: FakeHub, room: string): Promise<void> {
  const join = hub.all("join").filter(({ argument }) => argument["room"] === room).at(-1);
  await join?.answer(joinedAnswer());
  hub.tell(room, live(0));
}

test("panels of one page share one connection, and one reader of a room", async () => {
  const { connection, hubs, hub } = network();
  const first = connection.open("lobby");
  const second = connection.open("lobby");
  const other = connection.open("attic");
  await settle();
  assert.equal(hubs.length, 1);
  assert.equal(first.reader, second.reader);
  assert.notEqual(first.reader, other.reader);
  assert.deepEqual(hub().all("join").map(({ argument }) => argument["room"]), ["lobby", "attic"]);
});

test("each room hears its own events, and nobody those of others", async () => {
  const { connection, hub } = network();
  const lobby = connection.open("lobby").reader;
  const attic = connection.open("attic").reader;
  await settle();
  await enter(hub(), "lobby");
  await enter(hub(), "attic");
  hub().tell("attic", posted(1, "up here"));
  hub().tell("cellar", posted(1, "nobody listens"));
  assert.deepEqual([lobby.snapshot.room.messages.size, attic.snapshot.room.messages.size], [0, 1]);
});

test("a connection that was lost is made again, for every room, for as long as it takes", async () => {
  const { clock, connection, hubs, hub, refusals } = network();
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  refusals.push(...Array.from({ length: 30 }, () => new Error("no network")));
  hub().drop();
  await settle();
  assert.equal(reader.snapshot.link, "reconnecting");
  await clock.pass(30 * 30_000);
  assert.equal(hubs.length, 32);
  assert.equal(hub().all("join").length, 1);
  await enter(hub(), "lobby");
  assert.equal(reader.snapshot.link, "live");
});

test("a post that was in the air is sent again with the same id", async () => {
  const { clock, connection, hub } = network();
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  reader.post("hi");
  const { cid } = hub().last("post").argument;
  hub().drop();
  await settle();
  assert.equal(reader.snapshot.pending[0]?.state, "waiting");
  await clock.pass(1_000);
  await enter(hub(), "lobby");
  assert.equal(hub().last("post").argument["cid"], cid);
});

test("the last panel that goes ends the connection, after a moment", async () => {
  const { clock, connection, hub } = network();
  const first = connection.open("lobby");
  const second = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  first.release();
  first.release();
  await clock.pass(60_000);
  assert.equal(hub().stopped, false);
  second.release();
  await clock.pass(60_000);
  assert.equal(hub().stopped, true);
  assert.deepEqual(hub().sent.at(-1), { method: "leave", argument: { room: "lobby" } });
  assert.equal(clock.waiting, 0);
});

test("running the cell again keeps the connection", async () => {
  const { clock, connection, hubs, hub } = network();
  const old = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  old.release();
  const { reader } = connection.open("lobby");
  await clock.pass(60_000);
  assert.deepEqual([hubs.length, hub().stopped, reader === old.reader, reader.snapshot.link], [1, false, true, "live"]);
});

test("a room that is closed leaves the others their connection", async () => {
  const { clock, connection, hub } = network();
  const lobby = connection.open("lobby");
  connection.open("attic");
  await settle();
  await enter(hub(), "lobby");
  lobby.release();
  await clock.pass(60_000);
  assert.equal(hub().stopped, false);
  assert.deepEqual(hub().sent, [{ method: "leave", argument: { room: "lobby" } }]);
});

test("what was written before the last panel went is still sent", async () => {
  const { clock, connection, hub } = network();
  const handle = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  handle.reader.post("last words");
  handle.release();
  await clock.pass(10_000);
  assert.equal(hub().stopped, false);
  await hub().last("post").answer({ id: "a", seq: 1, duplicate: false });
  await clock.pass(10_000);
  assert.equal(hub().stopped, true);
});

test("all closed, it can be opened again", async () => {
  const { clock, connection, hubs, hub } = network();
  connection.open("lobby").release();
  await settle();
  await clock.pass(60_000);
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  assert.deepEqual([hubs.length, reader.snapshot.link], [2, "live"]);
});

const notInstalled = (): Error => new Unreachable({ kind: "not_installed", message: null });

test("a server without nbgroupchat is told, and only tried again when asked to", async () => {
  const { clock, connection, hubs, hub, refusals } = network();
  refusals.push(notInstalled());
  const { reader } = connection.open("lobby");
  await settle();
  await clock.pass(600_000);
  connection.hurry();
  await settle();
  assert.deepEqual([reader.snapshot.link, reader.snapshot.problem?.kind, hubs.length], ["unreachable", "not_installed", 1]);
  const later = connection.open("attic").reader;
  assert.equal(later.snapshot.link, "unreachable");
  connection.retry();
  await settle();
  await enter(hub(), "lobby");
  assert.deepEqual([reader.snapshot.link, hubs.length], ["live", 2]);
});

test("a server that is not found while it starts again is waited for", async () => {
  const { clock, connection, hub, refusals } = network();
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  refusals.push(notInstalled());
  hub().drop();
  await settle();
  await clock.pass(10_000);
  await enter(hub(), "lobby");
  assert.equal(reader.snapshot.link, "live");
});

test("somebody who was signed out is told, also in the middle", async () => {
  const { clock, connection, hub, refusals } = network();
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  refusals.push(new Unreachable({ kind: "signed_out", message: null }));
  hub().drop();
  await settle();
  await clock.pass(10_000);
  assert.equal(reader.snapshot.problem?.kind, "signed_out");
});

test("a network that is back is used at once", async () => {
  const { connection, hubs, hub, refusals } = network();
  connection.open("lobby");
  await settle();
  refusals.push(new Error("no network"));
  hub().drop();
  await settle();
  connection.hurry();
  await settle();
  connection.hurry();
  await settle();
  assert.equal(hubs.length, 3);
});

test("a new name takes a new connection, at once, and the conversation goes on", async () => {
  const { connection, hubs, hub } = network();
  const { reader } = connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  hub().tell("lobby", posted(1, "hi"));
  connection.redial();
  await settle();
  assert.equal(hubs.length, 2);
  assert.equal(reader.snapshot.link, "live");
  assert.deepEqual(hub().last("join").argument["resume"], { epoch: "e1", seq: 1, eid: "e1" });
  assert.equal(reader.snapshot.room.messages.size, 1);
});

test("a page from which the first attempts get no answer at all has no way there; that is told once", async () => {
  const { clock, connection, refusals } = network();
  let told = 0;
  connection.onCutOff(() => (told += 1));
  refusals.push(new CutOff(), new Error("502"), new CutOff(), new CutOff());
  connection.open("lobby");
  await settle();
  await clock.pass(500);
  assert.deepEqual([connection.isCutOff, told], [false, 0]);
  await clock.pass(60_000);
  assert.deepEqual([connection.isCutOff, told], [true, 1]);
});

test("a way that was there is never given up, however long it is gone, and neither is one that was refused", async () => {
  const { clock, connection, hub, refusals } = network();
  let told = 0;
  connection.onCutOff(() => (told += 1));
  refusals.push(new CutOff(), notInstalled());
  connection.open("lobby");
  await settle();
  await clock.pass(60_000);
  connection.retry();
  await settle();
  refusals.push(...Array.from({ length: 30 }, () => new CutOff()));
  hub().drop();
  await settle();
  await clock.pass(30 * 30_000);
  assert.deepEqual([connection.isCutOff, told], [false, 0]);
});

test("a frame that makes no sense leads to another join", async () => {
  const { connection, hub } = network();
  connection.open("lobby");
  await settle();
  await enter(hub(), "lobby");
  hub().tell("lobby", { type: "posted", seq: "first" });
  assert.equal(hub().all("join").length, 2);
});
