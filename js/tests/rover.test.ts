import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, closed, opened, posted } from "./fakes";
import { key, show, type Shown } from "./shown";

async function room(): Promise<Shown & { at: (message: string, tool: string) => HTMLElement; focused: () => string[] }> {
  const shown = await show();
  await shown.hear(posted(1, "@llama?", { by: ANA.id, name: ANA.name }), opened(2, "e1"), closed(3, "e2", "yes"), posted(4, "thanks"));
  const at = (message: string, tool: string): HTMLElement => shown.find(`[data-message-id="${message}"] [data-tool="${tool}"]`);
  const focused = (): string[] => {
    const { activeElement } = document;
    return [activeElement?.closest("article")?.dataset["messageId"] ?? "", activeElement?.getAttribute("data-tool") ?? ""];
  };
  return { ...shown, at, focused };
}

const stops = ({ all }: Shown): Element[] => all('[data-tool][tabindex="0"]');

test("Tab comes to one button of all toolbars: of the newest message, or where one has been", async () => {
  const shown = await room();
  assert.deepEqual(stops(shown), [shown.at("e4", "reply")]);
  shown.at("e1", "remove").focus();
  assert.deepEqual(stops(shown), [shown.at("e1", "remove")]);
  await shown.hear(posted(5, "more"));
  assert.deepEqual(stops(shown), [shown.at("e1", "remove")]);
  shown.at("e1", "remove").blur();
  await shown.hear(posted(6, "and more"));
  assert.deepEqual(stops(shown), [shown.at("e6", "reply")]);
});

test("arrows go along a toolbar and to the same button of the next one", async () => {
  const { at, focused } = await room();
  at("e2", "explain").focus();
  const steps = ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft", "End", "ArrowDown", "Home", "ArrowDown", "ArrowDown"].map((name) => {
    assert.equal(key(document.activeElement as Element, name).defaultPrevented, true);
    return focused().join(" ");
  });
  assert.deepEqual(steps, [
    "e2 pin", "e1 pin", "e1 edit", "e1 react", "e1 remove", "e2 remove", "e2 reply", "e4 reply", "e4 reply",
  ]);
});

test("other keys and other places are left alone", async () => {
  const { at, find } = await room();
  at("e1", "pin").focus();
  assert.equal(key(at("e1", "pin"), "Tab").defaultPrevented, false);
  assert.equal(key(at("e1", "pin"), "ArrowRight", { altKey: true }).defaultPrevented, false);
  assert.equal(key(find(".nbgc-transcript"), "ArrowDown").defaultPrevented, false);
});

test("each toolbar says whose message it is for, and each button what it does", async () => {
  const { all, at } = await room();
  assert.deepEqual(all('[role="toolbar"]').map((bar) => bar.getAttribute("aria-label")), [
    "What to do with the message of Ana", "What to do with the message of llama", "What to do with the message of Ben",
  ]);
  assert.deepEqual(["explain", "pin", "remove"].map((tool) => at("e2", tool).getAttribute("aria-label")), ["What llama saw", "Pin", "Remove"]);
});
