import assert from "node:assert/strict";
import { test } from "node:test";
import { newestEditable, tools } from "../src/policy";
import { decodeEvents } from "../src/protocol";
import { emptyRoom, reduce, type Room } from "../src/room";
import { ANA, BEN, closed, opened, pinned, posted, redacted } from "./fakes";

function room(...events: object[]): Room {
  return decodeEvents("lobby", events).events.reduce(reduce, emptyRoom("e1"));
}

function offered(held: Room, id: string, you: string | null): string {
  const message = held.messages.get(id);
  assert.ok(message);
  return tools(message, held, you).join(" ");
}

test("one's own post can be edited, pinned and removed, others' only pinned", () => {
  const held = room(posted(1, "hi"));
  assert.equal(offered(held, "e1", BEN.id), "reply react edit pin remove");
  assert.equal(offered(held, "e1", ANA.id), "reply react pin");
  assert.equal(offered(held, "e1", null), "reply react pin");
});

test("a reply is explained to everybody, and removed by who asked for it", () => {
  const held = room(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "yes", "stopped"));
  assert.equal(offered(held, "e2", BEN.id), "reply react again go_on explain pin remove");
  assert.equal(offered(held, "e2", ANA.id), "reply react again go_on explain pin");
});

test("nothing is offered of a reply that is being written, nor of what was removed", () => {
  const held = room(posted(1, "@llama?"), opened(2, "e1"), redacted(3, "e1"));
  assert.equal(offered(held, "e2", BEN.id), "");
  assert.equal(offered(held, "e1", BEN.id), "");
});

test("what is pinned can be unpinned", () => {
  assert.equal(offered(room(posted(1, "hi"), pinned(2, "e1")), "e1", ANA.id), "reply react unpin");
});

test("the newest editable message is one's own newest post that is still there", () => {
  const held = room(posted(1, "a"), posted(2, "b"), posted(3, "c", { by: ANA.id }), posted(4, "d"), redacted(5, "e4"));
  assert.equal(newestEditable(held, BEN.id)?.id, "e2");
  assert.equal(newestEditable(held, "m9"), null);
  assert.equal(newestEditable(held, null), null);
});
