import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutToken } from "../src/address";

test("the token goes, other parameters and the hash stay", () => {
  const page = "http://localhost:8888/nbgroupchat/rooms/lobby";
  assert.equal(withoutToken(`${page}?a=1&token=s3cret&b=2#end`), `${page}?a=1&b=2#end`);
  assert.equal(withoutToken(`${page}?token=s3cret`), page);
  assert.equal(withoutToken(`${page}?tokens=1`), null);
});
