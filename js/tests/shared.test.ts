import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedConnection } from "../src/shared";

test("every copy of the code finds the same connection, and nothing is dialled for asking", () => {
  const server = { url: () => assert.fail("dialled"), headers: () => ({}) };
  const connection = sharedConnection(server);
  assert.equal(sharedConnection(server), connection);
  const page = globalThis as unknown as Record<symbol, unknown>;
  assert.equal(page[Symbol.for("nbgroupchat.connection.3")], connection);
});
