import assert from "node:assert/strict";
import { test } from "node:test";
import { Keep, type Shelf } from "../src/keep";
import { Outbox, type PendingPost, type Wire } from "../src/outbox";
import { decodeEvents } from "../src/protocol";
import { Reader } from "../src/reader";
import { ANA, BEN, FakeClock, FakeHub, joinedAnswer, live, posted, settle } from "./fakes";

/** A tab's storage, with room for so much. */
class FakeShelf implements Shelf {
  readonly kept = new Map<string, string>();

  constructor(private readonly most = Infinity) {}

  get length(): number {
    return this.kept.size;
  }

  key(index: number): string | null {
    return [...this.kept.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (value.length > this.most) throw new Error("QuotaExceededError");
    this.kept.set(key, value);
  }

  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

function pending(text: string, change: Partial<PendingPost> = {}): PendingPost {
  return { method: "post", text, cid: `c ${text}`, ts: 1, state: "waiting", after: null, seq: null, error: null, until: null, ...change };
}

test("a draft is found by the same member, by nobody else, and is gone once it is sent", () => {
  const shelf = new FakeShelf();
  const keep = new Keep(shelf);
  keep.begin("m1");
  keep.draft("half a thou");
  assert.equal(new Keep(shelf).begin("m2").draft, "");
  assert.equal(new Keep(shelf).begin("m1").draft, "half a thou");
  keep.draft("");
  assert.equal(shelf.length, 0);
});

test("what is written before one knows who one is, is kept then, and nothing is handed over twice", () => {
  const shelf = new FakeShelf();
  const keep = new Keep(shelf);
  keep.draft("early");
  assert.equal(shelf.length, 0);
  keep.begin("m1");
  const next = new Keep(shelf);
  assert.equal(next.begin("m1").draft, "early");
  assert.equal(next.begin("m1").draft, "");
});

test("posts come back as they were, on their way again", () => {
  const shelf = new FakeShelf();
  const keep = new Keep(shelf);
  keep.begin("m1");
  keep.posts([pending("one", { state: "sending", after: 4 }), pending("two", { state: "failed", error: "No." })]);
  assert.deepEqual(new Keep(shelf).begin("m1").posts, [
    pending("one", { after: 4 }), pending("two", { state: "failed", error: "No." }),
  ]);
});

test("sizes and rooms are bounded, and a full or broken storage costs nothing else", () => {
  const shelf = new FakeShelf();
  for (let room = 0; room < 30; room += 1) {
    const keep = new Keep(shelf);
    keep.begin(`m${room}`);
    keep.draft("x");
  }
  assert.equal(shelf.length, 20);
  assert.equal(new Keep(shelf).begin("m29").draft, "x");
  const keep = new Keep(shelf);
  keep.begin("long");
  keep.draft("x".repeat(40_000));
  keep.posts(Array.from({ length: 40 }, (_, index) => pending("x".repeat(10_000), { cid: `c ${index}` })));
  const kept = new Keep(shelf).begin("long");
  assert.equal(kept.draft, "");
  assert.deepEqual([kept.posts.length, kept.posts[0]?.cid], [25, "c 0"]);

  const full = new Keep(new FakeShelf(0));
  full.begin("m1");
  full.draft("x");
  for (const broken of ["{", "null", "[]", '{"draft": 1, "posts": [1, {"method": "edit"}, {"method": "post"}]}']) {
    const other = new FakeShelf();
    other.kept.set("nbgroupchat.kept.m1", broken);
    assert.deepEqual(new Keep(other).begin("m1"), { draft: "", posts: [] });
  }
});

test("posts of an earlier page go before this page's, each once, with their ids", async () => {
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  const box = new Outbox("lobby", new FakeClock(), () => {}, () => {});
  box.add({ method: "post", text: "new" });
  box.restore([pending("old"), pending("old")].slice(0, 1));
  box.restore([pending("old")]);
  box.resume(wire);
  await settle();
  assert.deepEqual([hub.last("post").argument["text"], hub.last("post").argument["cid"]], ["old", "c old"]);
  await hub.last("post").answer({ id: "a", seq: 1, duplicate: true });
  assert.equal(hub.last("post").argument["text"], "new");
});

function page(shelf: Shelf): { hub: FakeHub; reader: Reader; enter(you: typeof ANA | typeof BEN, seq?: number): Promise<void> } {
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  const reader = new Reader("lobby", new FakeClock(), shelf);
  const enter = async (you: typeof ANA | typeof BEN, seq = 0): Promise<void> => {
    reader.connected(wire);
    await hub.last("join").answer(joinedAnswer({ you, position: { epoch: "e1", seq, eid: seq === 0 ? "" : `e${seq}` } }));
  };
  return { hub, reader, enter };
}

const hear = (reader: Reader, ...events: object[]): void => reader.hear(decodeEvents("lobby", events).events);

test("a post that waited when the page was loaded again is sent under the same id, and stands there once", async () => {
  const shelf = new FakeShelf();
  const before = page(shelf);
  await before.enter(ANA);
  hear(before.reader, live(0));
  before.reader.post("hello");
  const { cid } = before.hub.last("post").argument;

  const after = page(shelf);
  await after.enter(ANA, 1);
  assert.equal(after.hub.last("post").argument["cid"], cid);
  // It had arrived after all.
  hear(after.reader, posted(1, "hello", { by: ANA.id, name: ANA.name }), live(1));
  assert.deepEqual([after.reader.snapshot.room.messages.size, after.reader.snapshot.pending.length], [1, 0]);
  await after.hub.last("post").answer({ id: "e1", seq: 1, duplicate: true });
  assert.deepEqual([after.reader.outbox.pending.length, shelf.length], [0, 0]);
});

test("another account on the same page's address neither sees nor sends what waits", async () => {
  const shelf = new FakeShelf();
  const before = page(shelf);
  await before.enter(ANA);
  before.reader.keepDraft("secret");
  before.reader.post("private");
  const after = page(shelf);
  await after.enter(BEN);
  assert.deepEqual([after.hub.all("post").length, after.reader.restored], [0, ""]);
});
