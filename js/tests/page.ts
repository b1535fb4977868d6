/** Makes this process look like a page. Import it before anything that renders: lit-html takes hold of the document when loaded. */

import { Window } from "happy-dom";
import { settle } from "./fakes";

export const window = new Window({ url: "http://localhost:8888/lab" });

// As JupyterLab's pages and ours are; KaTeX warns of others.
Object.defineProperty(window.document, "compatMode", { value: "CSS1Compat" });

const waiting = new Map<number, () => void>();
let count = 0;

Object.assign(globalThis, {
  window, document: window.document, location: window.location, CSS: window.CSS,
  Node: window.Node, NodeFilter: window.NodeFilter, HTMLElement: window.HTMLElement, KeyboardEvent: window.KeyboardEvent, Event: window.Event,
  getComputedStyle: window.getComputedStyle.bind(window),
  addEventListener: () => {},
  requestAnimationFrame: (run: () => void) => {
    waiting.set((count += 1), run);
    return count;
  },
  cancelAnimationFrame: (id: number) => waiting.delete(id),
});

/** Let everything happen that waits for its turn, then run the animation frames. */
export async function frame(): Promise<void> {
  await settle();
  for (const [id, run] of [...waiting]) {
    waiting.delete(id);
    run();
  }
  await settle();
}
