/**
 * TeX as MathML, which browsers show by themselves: neither style sheet nor fonts. What is no TeX that KaTeX knows stays the
 * source that it is.
 *
 * Covers: KaTeX without trust (no links, images, classes or styles of the formula's own), bounded expansion, size and
 * length, definitions that end with their formula, and of what it makes only the tags and attributes of this list. Does not
 * cover: a formula that is nonsense.
 */

import katex from "katex";

const TAGS: ReadonlySet<string> = new Set([
  "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mstyle", "mpadded", "mphantom", "mfrac", "msqrt", "mroot", "msub",
  "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mlabeledtr", "mtd", "menclose", "merror", "mmultiscripts",
  "mprescripts", "none",
]);
const ATTRIBUTES: ReadonlySet<string> = new Set([
  "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence", "form",
  "height", "linebreak", "linethickness", "lspace", "mathbackground", "mathcolor", "mathsize", "mathvariant", "maxsize", "minsize",
  "movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel", "separator", "side", "stretchy", "symmetric",
  "voffset", "width",
]);

const LENGTH = 2_000;
const KEPT = 200;

/** A reply that grows shows its formulas over and over. */
const kept = new Map<string, Element>();

/** Give a formula as an element, null where it cannot be shown as one. */
export function formula(tex: string, display: boolean): Element | null {
  if (tex.length > LENGTH) return null;
  const key = `${display ? "display" : "inline"} ${tex}`;
  const made = kept.get(key) ?? make(tex, display);
  if (made === null) return null;
  kept.delete(key);
  kept.set(key, made);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
  return made.cloneNode(true) as Element;
}

function make(tex: string, display: boolean): Element | null {
  const place = document.createElement("span");
  try {
    katex.render(tex, place, {
      displayMode: display, output: "mathml", throwOnError: true, strict: "ignore", trust: false, maxExpand: 200, maxSize: 20,
    });
  } catch {
    return null;
  }
  const math = place.querySelector("math");
  if (math === null) return null;
  // Beside the formula KaTeX puts its source, which would be read and copied twice.
  for (const semantics of [...math.querySelectorAll("semantics")]) semantics.replaceWith(...[...semantics.childNodes].slice(0, 1));
  for (const element of [math, ...math.querySelectorAll("*")]) {
    if (!TAGS.has(element.localName)) return null;
    for (const { name } of [...element.attributes]) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
  }
  math.setAttribute("alttext", tex);
  math.setAttribute("dir", "ltr");
  return math;
}
