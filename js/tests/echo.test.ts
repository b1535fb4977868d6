import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents } from "../src/protocol";
import { isHeard } from "../src/echo";
import type { PendingPost } from "../src/outbox";
import { emptyRoom, reduce } from "../src/room";
import { ANA, BEN, frames, posted } from "./fakes";

interface Frame { target: string; arguments: [{ text?: string }]; command: { text?: string } }

function pending(text: string): PendingPost {
  return { method: "post", cid: "c", text, ts: 0, state: "sending", after: 0, seq: null, error: null, until: null };
}

test("a post is recognised in the form in which the server stores it", () => {
  for (const { target, arguments: [typed], command } of frames<Frame>("commands")) {
    if (target !== "post") continue;
    const heard = posted(1, command.text ?? "", { by: ANA.id });
    const room = decodeEvents("lobby", [heard]).events.reduce(reduce, emptyRoom("e1"));
    assert.ok(isHeard(pending(typed.text ?? ""), room, ANA.id), typed.text);
    assert.ok(!isHeard(pending(typed.text ?? ""), room, BEN.id), typed.text);
  }
});
