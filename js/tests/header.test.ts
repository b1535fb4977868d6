import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, BEN } from "./fakes";
import { READY, show } from "./shown";

test("who is here and who writes is shown, but not that one writes oneself", async () => {
  const { all, text, hear } = await show();
  assert.deepEqual(all(".nbgc-members [data-member-id]").map((one) => one.getAttribute("data-member-id")), ["m0", "m1", "m2"]);
  await hear({ type: "typing", by: ANA.id, on: true });
  assert.deepEqual(text(".nbgc-typing"), [""]);
  await hear({ type: "typing", by: BEN.id, on: true });
  assert.deepEqual(text(".nbgc-typing"), ["Ben is writing"]);
});

test("how the model is, is shown", async () => {
  const { find, hear } = await show();
  assert.deepEqual([find(".nbgc-model").dataset["modelState"], find(".nbgc-model").textContent], ["ready", "SmolLM2"]);
  await hear({ ...READY, state: "loading", progress: 0.25 });
  assert.equal(find(".nbgc-model").dataset["modelState"], "loading");
  assert.equal(find<HTMLProgressElement>("progress").value, 0.25);
  await hear({ ...READY, state: "failed", message: "There is no such file." });
  assert.match(find(".nbgc-model").textContent ?? "", /There is no such file\./);
  await hear({ ...READY, state: "off" });
  assert.equal(find(".nbgc-model").dataset["modelState"], "off");
  assert.match(find(".nbgc-model").textContent ?? "", /has no model here/);
  await hear({ ...READY, state: "off", message: "The next question starts another." });
  assert.equal(find(".nbgc-model").dataset["modelState"], "off");
  assert.match(find(".nbgc-model").textContent?.trim() ?? "", /^llama is asleep\. The next question starts another\.$/);
});
