/**
 * Makes this process look like a page, whose parser is that of browsers: what purification is tested on must parse as they
 * do. Import it before anything that renders: lit-html takes hold of the document when loaded.
 */

import { JSDOM } from "jsdom";
import { settle } from "./fakes";

export const { window } = new JSDOM("<!doctype html><body></body>", { url: "http://localhost:8888/lab", pretendToBeVisual: true });

const waiting = new Map<number, () => void>();
let count = 0;

Object.assign(globalThis, {
  window, document: window.document, location: window.location,
  Node: window.Node, NodeFilter: window.NodeFilter, HTMLElement: window.HTMLElement, Element: window.Element,
  KeyboardEvent: window.KeyboardEvent, Event: window.Event,
  getComputedStyle: window.getComputedStyle.bind(window),
  CSS: { escape: (name: string) => name.replace(/[^\w-]/g, (char) => `\\${char}`) },
  addEventListener: () => {},
  requestAnimationFrame: (run: () => void) => {
    waiting.set((count += 1), run);
    return count;
  },
  cancelAnimationFrame: (id: number) => waiting.delete(id),
});
// There is no layout here.
window.Element.prototype.scrollIntoView = () => {};

/** Let everything happen that waits for its turn, then run the animation frames. */
export async function frame(): Promise<void> {
  await settle();
  for (const [id, run] of [...waiting]) {
    waiting.delete(id);
    run();
  }
  await settle();
}

/** A place in the page for something that is tested by itself. */
export function sheet(): HTMLElement {
  const place = document.createElement("div");
  document.body.replaceChildren(place);
  return place;
}
