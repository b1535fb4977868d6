import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, isRoomName, messageIn, pathOf, withoutToken } from "../src/address";

test("the token goes, other parameters and the hash stay", () => {
  const page = "http://localhost:8888/nbgroupchat/rooms/lobby";
  assert.equal(withoutToken(`${page}?a=1&token=s3cret&b=2#end`), `${page}?a=1&b=2#end`);
  assert.equal(withoutToken(`${page}?token=s3cret`), page);
  assert.equal(withoutToken(`${page}?tokens=1`), null);
});

test("a message's address leads to it, and no other address leads to one", () => {
  assert.equal(messageIn(hashOf("a1b2")), "a1b2");
  for (const hash of ["", "#", "#message-", "#other-a1", "#message-a b", `#message-${"x".repeat(65)}`]) assert.equal(messageIn(hash), null, hash);
});

test("a room is called as the server lets it be", () => {
  for (const name of ["lobby", "Week-3_a.b", "7", "a".repeat(64)]) assert.ok(isRoomName(name), name);
  for (const name of ["", ".", "-a", "a b", "ä", "a/b", "a".repeat(65), "a\n"]) assert.ok(!isRoomName(name), name);
  assert.equal(pathOf("week-3"), "nbgroupchat/rooms/week-3");
});
