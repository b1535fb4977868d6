import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement } from "../src/announcer";
import { decodeEvents } from "../src/protocol";
import type { Snapshot } from "../src/snapshot";
import { emptyRoom, reduce } from "../src/room";
import { ANA, closed, edited, opened, posted, redacted } from "./fakes";

function snapshot(events: object[], change: Partial<Snapshot> = {}): Snapshot {
  const room = decodeEvents("lobby", events).events.reduce(reduce, emptyRoom("e1"));
  const base = {
    link: "live", problem: null, relay: "none", you: ANA, mention: "@llama", textLimit: 100, pending: [], changes: new Map(),
    history: "none", delay: null, gone: false, agent: "llama", role: "member",
  } as const;
  return { ...base, room, ...change };
}

const asked = posted(1, "hi");

test("what others say is told as a sentence", () => {
  assert.equal(announcement(snapshot([asked]), snapshot([asked, posted(2, "hello")])), "Ben says: hello");
});

test("what one says oneself is not told", () => {
  assert.equal(announcement(snapshot([asked]), snapshot([asked, posted(2, "hello", { by: ANA.id })])), "");
});

test("pieces are not told, the whole answer is", () => {
  const open = [asked, opened(2, "e1")];
  const half = [...open, { type: "delta", id: "e2", from: 0, to: 1, text: "On" }];
  assert.equal(announcement(snapshot(open), snapshot(half)), "");
  assert.equal(announcement(snapshot(half), snapshot([...half, closed(3, "e2", "On Friday.")])), "llama answered: On Friday.");
});

test("an answer that ended otherwise says how", () => {
  const open = [asked, opened(2, "e1")];
  const failed = closed(3, "e2", "", "failed", "There is no model.");
  assert.equal(announcement(snapshot(open), snapshot([...open, failed])), "The answer of llama ended. There is no model.");
});

test("a lost and a new connection are told, and not the conversation before", () => {
  const away = snapshot([asked], { link: "reconnecting" });
  assert.equal(announcement(snapshot([asked]), away), "The connection was lost. Reconnecting.");
  assert.equal(announcement(away, snapshot([asked, posted(2, "hello")])), "Connected again.");
  assert.equal(announcement(snapshot([], { link: "connecting" }), snapshot([asked])), "");
});

test("what others change is told, once and not as said anew", () => {
  const held = [asked, posted(2, "mine", { by: ANA.id })];
  const after = [...held, edited(3, "e1", "hello"), edited(4, "e2", "mine too")];
  assert.equal(announcement(snapshot(held), snapshot(after)), "Ben changed a message: hello");
  assert.equal(announcement(snapshot(after), snapshot([...after, redacted(5, "e1")])), "A message of Ben was removed.");
});

test("an answer that was removed is told, and one that was removed before it was heard is not", () => {
  const held = [asked, opened(2, "e1"), closed(3, "e2", "yes")];
  assert.equal(announcement(snapshot(held), snapshot([...held, redacted(4, "e2")])), "An answer of llama was removed.");
  assert.equal(announcement(snapshot([asked]), snapshot([asked, posted(2, "x"), redacted(3, "e2")])), "");
});
