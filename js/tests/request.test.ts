import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents } from "../src/protocol";
import { stoppable } from "../src/request";
import { emptyRoom, reduce, type Room } from "../src/room";
import { ANA, BEN, opened, posted } from "./fakes";

const room = (...events: object[]): Room => decodeEvents("lobby", events).events.reduce(reduce, emptyRoom("e1"));
const asked = [posted(1, "@llama a?"), posted(2, "@llama b?"), { type: "queue", waiting: [{ id: "e1", before: 0 }, { id: "e2", before: 1 }] }];

test("the newest question that waits can be stopped, the open reply before it", () => {
  assert.equal(stoppable(room(...asked), BEN.id), "e2");
  assert.equal(stoppable(room(...asked, opened(3, "e1")), BEN.id), "e3");
});

test("a member who asked nothing has nothing to stop", () => {
  assert.equal(stoppable(room(...asked, opened(3, "e1")), ANA.id), null);
  assert.equal(stoppable(emptyRoom(), ANA.id), null);
});
