import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { pinned, posted, redacted } from "./fakes";
import { show } from "./shown";

test("what is pinned last stands in the strip, all of it once that is opened", async () => {
  const { find, all, text, hear } = await show();
  assert.equal(all(".nbgc-pins").length, 0);
  await hear(posted(1, "the   first\nline"), posted(2, "second"), pinned(3, "e1"));
  assert.deepEqual(text(".nbgc-pin").map((pin) => pin.replace(/\s+/g, " ")), ["Ben the first line"]);
  assert.equal(all(".nbgc-pins-toggle").length, 0);
  await hear(pinned(4, "e1", "e2"));
  assert.deepEqual(all(".nbgc-pin").map((pin) => pin.getAttribute("data-pinned-id")), ["e2"]);
  const toggle = find<HTMLButtonElement>(".nbgc-pins-toggle");
  assert.deepEqual([toggle.getAttribute("aria-expanded"), toggle.getAttribute("aria-label")], ["false", "Show all 2 pinned messages"]);
  toggle.click();
  await frame();
  assert.equal(toggle.getAttribute("aria-expanded"), "true");
  assert.deepEqual(all(".nbgc-pin").map((pin) => pin.getAttribute("data-pinned-id")), ["e2", "e1"]);
});

test("a pinned message leads to where it stands", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "a"), pinned(2, "e1"));
  find<HTMLButtonElement>(".nbgc-pin").click();
  await frame();
  assert.equal(document.activeElement, find('[data-message-id="e1"]'));
});

test("a message that was not fetched is pinned too, and can be unpinned", async () => {
  const { find, text, hub } = await show({ pinned: ["old"] });
  await frame();
  assert.deepEqual(text(".nbgc-pin"), ["an earlier message"]);
  find<HTMLButtonElement>(".nbgc-unpin").click();
  assert.deepEqual(hub.last("pin").argument, { room: "lobby", id: "old", on: false });
});

test("with its last message the strip goes", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "a"), pinned(2, "e1"), redacted(3, "e1"));
  assert.equal(all(".nbgc-pins").length, 0);
});
