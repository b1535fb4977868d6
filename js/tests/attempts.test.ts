import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, closed, opened, posted, redacted } from "./fakes";
import { show } from "./shown";

const more = (seq: number, to: string, continues: string): object => ({ ...opened(seq, to), continues });

test("the newest of several answers is shown, and arrows lead to the others", async () => {
  const { find, all, text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "Monday."), posted(4, "hm"), opened(5, "e1"), closed(6, "e5", "Friday."));
  assert.deepEqual(text(".nbgc-text"), ["@llama?", "hm", "Friday."]);
  assert.deepEqual(text(".nbgc-attempt"), ["2/2"]);
  find<HTMLButtonElement>('[data-attempt="earlier"]').click();
  await frame();
  assert.deepEqual([text(".nbgc-text"), text(".nbgc-attempt")], [["@llama?", "hm", "Monday."], ["1/2"]]);
  assert.equal(all('[data-attempt="earlier"][aria-disabled="true"]').length, 1);
  find<HTMLButtonElement>('[data-attempt="later"]').click();
  await frame();
  assert.deepEqual(text(".nbgc-text"), ["@llama?", "hm", "Friday."]);
});

test("who looks at the newest answer sees a newer one, who looks at an earlier one stays there", async () => {
  const { find, text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "one"), opened(4, "e1"), closed(5, "e4", "two"));
  find<HTMLButtonElement>('[data-attempt="earlier"]').click();
  await hear(opened(6, "e1"), closed(7, "e6", "three"));
  assert.deepEqual([text(".nbgc-text").at(-1), text(".nbgc-attempt")], ["one", ["1/3"]]);
});

test("what goes on with a reply is joined to it, in code by a line", async () => {
  const { all, text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "Once upon", "stopped"), more(4, "e1", "e2"));
  assert.deepEqual(text(".nbgc-text"), ["@llama?", "Once upon"]);
  await hear({ type: "delta", id: "e4", from: 0, to: 1, text: "a time" });
  assert.deepEqual(text(".nbgc-text"), ["@llama?", "Once upon a time"]);
  assert.equal(all('[data-message-id="e4"][data-status="open"] .nbgc-stop').length, 1);
  await hear(closed(5, "e4", "a time:\n```\nx", "length"), more(6, "e1", "e4"), closed(7, "e6", "y\n```"));
  assert.deepEqual([text(".nbgc-attempt"), all("article").length], [[], 2]);
  assert.deepEqual([text(".nbgc-text > p").at(-1), text(".nbgc-code")], ["Once upon a time:", ["x\ny"]]);
});

test("another reply is asked for, and a reply that ended early goes on", async () => {
  const { find, all, hear, hub, text } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "Once", "stopped"));
  find<HTMLButtonElement>('[data-tool="again"]').click();
  const { cid, ...asked } = hub.last("regenerate").argument;
  assert.deepEqual([asked, typeof cid], [{ room: "lobby", id: "e2" }, "string"]);
  await hub.last("regenerate").answer({ to: "e1" });
  await frame();
  assert.equal(all("[data-changing]").length, 0);
  find<HTMLButtonElement>('[data-tool="go_on"]').click();
  assert.equal(hub.last("resume_reply").argument["id"], "e2");
  await hub.last("resume_reply").answer({ error: { code: "too_fast", message: "A question of yours is waiting already.", retry_ms: 5000 } });
  await frame();
  assert.deepEqual(text(".nbgc-note [role=alert]"), ["Not asked: A question of yours is waiting already."]);
});

test("what is quoted of an earlier answer leads to it", async () => {
  const { find, text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "one"), opened(4, "e1"), closed(5, "e4", "two"), posted(6, "sure?", { reply_to: "e2" }));
  find<HTMLButtonElement>('[data-message-id="e6"] .nbgc-quote').click();
  await frame();
  assert.deepEqual(text(".nbgc-attempt"), ["1/2"]);
  assert.equal(document.activeElement, find('[data-message-id="e2"]'));
});

test("a stop says whose it was", async () => {
  const { text, hear } = await show();
  await hear(posted(1, "@llama?"), opened(2, "e1"), { ...closed(3, "e2", "Once", "stopped"), by: ANA.id, name: "<b>Ana" });
  assert.deepEqual(text(".nbgc-note"), ["Stopped by <b>Ana."]);
});

test("what came after the last reply's prompt is marked, until the agent reads it", async () => {
  const { text, hear } = await show();
  await hear(posted(1, "hello"));
  assert.deepEqual(text(".nbgc-unheard"), []);
  await hear(posted(2, "@llama?"), opened(3, "e2"), posted(4, "wait"), posted(5, "gone"), redacted(6, "e5"), closed(7, "e3", "yes"));
  assert.deepEqual(text(".nbgc-unheard"), ["not yet read by llama"]);
  await hear(opened(8, "e4"));
  assert.deepEqual(text(".nbgc-unheard"), []);
});
