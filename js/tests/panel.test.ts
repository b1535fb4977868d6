import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionThrough } from "../src/kernel";
import { openPanel } from "../src/panel";
import { FakeClock } from "./fakes";
import { frame } from "./page";
import { FakeKernel } from "./kernels";
import type { Connection } from "../src/connection";

const AROUND = { save: null, go: () => {}, isPage: false };

test("a page that has no way to its server turns to the kernel, for good, with what was written meanwhile", async () => {
  const config = document.createElement("script");
  config.id = "jupyter-config-data";
  config.setAttribute("type", "application/json");
  config.textContent = JSON.stringify({ baseUrl: "http://127.0.0.1:1/" }); // where nobody listens
  document.head.append(config);
  const kernel = new FakeKernel();
  kernel.busy = true;
  let turned = (): void => {};
  const turning = new Promise<void>((resolve) => (turned = resolve));
  let connection: Connection | null = null;
  const relay = (): Connection => {
    turned();
    return (connection ??= connectionThrough(kernel, new FakeClock()));
  };

  const panel = openPanel("lobby", AROUND, relay);
  document.body.append(panel.element);
  assert.equal(panel.element.dataset["relay"], "none");
  const field = panel.element.querySelector<HTMLTextAreaElement>("textarea");
  assert.ok(field);
  const type = async (text: string): Promise<void> => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
  };
  await type("said already");
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  await type("half written");
  await turning;
  await frame();
  assert.equal(panel.element.dataset["relay"], "open");
  assert.equal(field.value, "half written");
  assert.match(panel.element.querySelector("article[data-pending]")?.textContent ?? "", /said already/);
  assert.deepEqual(kernel.said.map((said) => said.relay), ["open"]);

  const later = openPanel("attic", AROUND, relay);
  assert.equal(later.element.dataset["relay"], "open");
  const alone = openPanel("attic", AROUND, null);
  assert.equal(alone.element.dataset["relay"], "none");
  for (const one of [panel, later, alone]) one.dispose();
  config.remove();
});
