/**
 * Makes of purified Markdown what people see: formulas, code with its buttons, boxes of tasks, tables that scroll, links that
 * say where they go, mentions. All classes and all behaviour come from here, none from what was written.
 */

import { dressFence, type CodeActions } from "./fence";
import { DONE } from "./grammar";
import { dressLink } from "./link";
import { formula } from "./math";
import { strings } from "./strings";
import { mentionRuns } from "./text";

export interface Dress extends CodeActions {
  /** What counts as a mention, such as "@llama"; null for none. */
  readonly mention: string | null;
  /** Whether the message asks whom it mentions. */
  readonly asks: boolean;
}

export function dress(fragment: DocumentFragment, look: Dress): void {
  for (const carrier of fragment.querySelectorAll("var, dfn")) dressFormula(carrier);
  for (const pre of fragment.querySelectorAll("pre")) dressFence(pre, look);
  for (const box of fragment.querySelectorAll("mark")) dressTask(box);
  for (const link of fragment.querySelectorAll("a")) dressLink(link);
  for (const table of fragment.querySelectorAll("table")) dressTable(table);
  if (look.mention !== null) for (const text of prose(fragment)) dressMentions(text, look.mention, look.asks);
}

function dressFormula(carrier: Element): void {
  const display = carrier.localName === "dfn";
  const tex = carrier.textContent ?? "";
  const math = formula(tex.trim(), display);
  const place = document.createElement("span");
  place.className = display ? "nbgc-formula nbgc-formula-display" : "nbgc-formula";
  if (math !== null) place.append(math);
  else {
    const source = document.createElement("code");
    source.textContent = tex;
    place.append(source);
  }
  carrier.replaceWith(place);
}

function dressTask(box: Element): void {
  const done = box.textContent === DONE;
  const sign = document.createElement("span");
  sign.className = "nbgc-task";
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", done ? strings.taskDone : strings.taskOpen);
  sign.textContent = box.textContent;
  const item = box.closest("li");
  if (item !== null) item.className = "nbgc-task-item";
  box.replaceWith(sign);
}

function dressTable(table: Element): void {
  const box = document.createElement("div");
  box.className = "nbgc-table";
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", strings.table);
  box.setAttribute("data-lm-suppress-shortcuts", "true");
  table.replaceWith(box);
  box.append(table);
}

function prose(fragment: DocumentFragment): Text[] {
  const found: Text[] = [];
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node as Text;
    if (text.data.includes("@") && text.parentElement?.closest("code, a, math, button, .nbgc-fence-head") === null) found.push(text);
  }
  return found;
}

/** A mention is marked only where it asks; in a text from right to left each stands for itself, lest its "@" go astray. */
function dressMentions(text: Text, mention: string, asks: boolean): void {
  const parts = mentionRuns(text.data, mention).map(({ kind, text: words }) => {
    if (kind !== "mention") return words;
    const place = document.createElement("bdi");
    if (asks) place.className = "nbgc-mention";
    place.dir = "ltr";
    place.textContent = words;
    return place;
  });
  if (parts.length > 1 || typeof parts[0] !== "string") text.replaceWith(...parts);
}
