import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, BEN, posted, reacted, redacted } from "./fakes";
import { show } from "./shown";

test("reactions stand below their message, with how many and who, and one's own is marked", async () => {
  const { all, text, hear } = await show();
  await hear(
    posted(1, "done"), reacted(2, "e1", "👍"), reacted(3, "e1", "👍", { by: ANA.id, name: ANA.name }), reacted(4, "e1", "🎉"),
  );
  assert.deepEqual(text(".nbgc-chip").map((chip) => chip.replace(/\s+/g, " ")), ["👍2", "🎉1"]);
  assert.deepEqual(all(".nbgc-chip").map((chip) => chip.getAttribute("aria-label")), ["👍 from Ben and you", "🎉 from Ben"]);
  assert.deepEqual(all(".nbgc-chip").map((chip) => chip.getAttribute("aria-pressed")), ["true", "false"]);
  await hear(redacted(5, "e1"));
  assert.equal(all(".nbgc-chip").length, 0);
});

test("a chip puts one's own emoji there, or takes it away", async () => {
  const { find, hear, hub } = await show();
  await hear(posted(1, "done"), reacted(2, "e1", "👍"));
  find<HTMLButtonElement>(".nbgc-chip").click();
  assert.deepEqual(hub.last("react").argument, { room: "lobby", id: "e1", emoji: "👍", on: true });
  await hub.last("react").answer({ seq: 3 });
  await hear(reacted(3, "e1", "👍", { by: ANA.id, name: ANA.name }));
  find<HTMLButtonElement>(".nbgc-chip").click();
  assert.deepEqual(hub.last("react").argument, { room: "lobby", id: "e1", emoji: "👍", on: false });
});

test("a name in a reaction is text, and many are counted", async () => {
  const { find, hear } = await show();
  const many = Array.from({ length: 12 }, (_, index) => reacted(2 + index, "e1", "👍", { by: `x${index}`, name: `<b>${index}` }));
  await hear(posted(1, "done"), ...many);
  assert.equal(find(".nbgc-chip").getAttribute("title"), "👍 from <b>0, <b>1, <b>2, <b>3, <b>4, <b>5, <b>6, <b>7 and 4 others");
});

test("a reaction that is refused says why at its message", async () => {
  const { text, hear, hub, reader } = await show();
  await hear(posted(1, "a", { by: BEN.id }));
  reader.react("e1", "👍", true);
  await hub.last("react").answer({ error: { code: "too_many", message: "Use one of those that are there.", retry_ms: null } });
  await frame();
  assert.deepEqual(text(".nbgc-note [role=alert]"), ["No reaction: Use one of those that are there."]);
});
