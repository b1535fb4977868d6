/** A panel in a page, played with by tests: the real view over a real reader, with a fake hub behind it. */

import { frame } from "./page";
import assert from "node:assert/strict";
import type { Wire } from "../src/outbox";
import { decodeEvents } from "../src/protocol";
import { Reader } from "../src/reader";
import { View, type Surface } from "../src/view";
import { ANA, BEN, FakeClock, FakeHub, LLAMA, joinedAnswer, live } from "./fakes";

export const READY = { type: "status", state: "ready", model: "SmolLM2", progress: null, message: null };

export interface Shown {
  reader: Reader;
  hub: FakeHub;
  root: HTMLElement;
  view: View;
  saved: () => number;
  hear(...events: object[]): Promise<void>;
  find<E extends Element = HTMLElement>(selector: string): E;
  all(selector: string): Element[];
  text(selector: string): string[];
}

export async function show(change: object = {}, account: Surface["account"] = null, more: Partial<Surface> = {}): Promise<Shown> {
  document.body.replaceChildren();
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  const reader = new Reader("lobby", new FakeClock());
  let saved = 0;
  const view = new View(reader, {
    account, save: () => (saved += 1), retry: () => {}, reload: () => {}, go: null, place: null, ...more,
  });
  document.body.append(view.element);
  const root = view.element;
  reader.connected(wire);
  await hub.last("join").answer(joinedAnswer(change));
  const hear = (...events: object[]): Promise<void> => {
    reader.hear(decodeEvents("lobby", events).events);
    return frame();
  };
  await hear(live(0), { type: "presence", members: [LLAMA, ANA, BEN] }, READY);
  return {
    reader, hub, root, view, hear,
    saved: () => saved,
    find: <E extends Element>(selector: string) => {
      const found = root.querySelector<E>(selector);
      assert.ok(found, selector);
      return found;
    },
    all: (selector) => [...root.querySelectorAll(selector)],
    text: (selector) => [...root.querySelectorAll(selector)].map((element) => element.textContent?.trim() ?? ""),
  };
}

export function key(target: Element, name: string, init: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
}

export async function write(shown: Shown, text: string): Promise<HTMLTextAreaElement> {
  const field = shown.find<HTMLTextAreaElement>("textarea.nbgc-input");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await frame();
  return field;
}
