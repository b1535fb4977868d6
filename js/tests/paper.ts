/**
 * Makes this process look like a page whose parser is that of browsers: what purification is tested on must parse as they do,
 * and happy-dom, which the other tests use, does not. Import it before anything that renders.
 */

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>", { url: "http://localhost:8888/lab" });

Object.assign(globalThis, {
  window, document: window.document, Node: window.Node, NodeFilter: window.NodeFilter, Event: window.Event,
  HTMLElement: window.HTMLElement,
});

/** A place in the page for Markdown. */
export function sheet(): HTMLElement {
  const place = document.createElement("div");
  document.body.replaceChildren(place);
  return place;
}
