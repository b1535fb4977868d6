// Injected into every page of test_payloads.py, before anything of the page's own: notes what ran, says when a reply has been
// shown, and gives what stands in the panel and may not.
"use strict";

window.ran = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = (...given) => void window.ran.push(`${name}(${given.join()})`);
}

// What Markdown may become; of attributes, what is the same for all is below.
const CONTENT = new Set(
  ("A BDI BLOCKQUOTE BR BUTTON CODE DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE S SPAN STRONG TABLE TBODY TD TH THEAD " +
    "TR UL svg path math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom mover munder " +
    "munderover msub msup msubsup mmultiscripts mprescripts none mtable mtr mtd merror menclose mlabeledtr").split(" "),
);
const PANEL = new Set(
  ("A ARTICLE BDI BUTTON DD DETAILS DIV DL DT FORM H2 H3 HEADER I INPUT LI OL P PRE CODE SECTION SPAN SUMMARY TEXTAREA TIME UL path svg circle " +
    "rect line polyline").split(" "),
);
// Nothing in these is fetched, run or found by scripts of the page around it.
const HARMLESS = /^(class|dir|lang|role|tabindex|title|type|rows|placeholder|datetime|disabled|hidden|checked|start|align|aria-[a-z]+|data-[a-z-]+|viewBox|d|fill|stroke|width|height|cx|cy|r|x|y|points|[a-z]*linecap|stroke-[a-z]+)$/;
const TEX = /^(alttext|linebreak|display|encoding|mathvariant|mathcolor|mathsize|mathbackground|stretchy|fence|separator|lspace|rspace|minsize|maxsize|accent|accentunder|linethickness|columnalign|columnspacing|rowspacing|columnlines|rowlines|frame|framespacing|notation|scriptlevel|displaystyle|depth|voffset|movablelimits|symmetric|largeop|form|side|columnwidth|rowalign)$/;
const OWN_CLASS = /^nbgc-[a-z_-]+$/;
const WEB = /^(https?:\/\/[^/]|mailto:)/i;

function problemOf(element) {
  const content = element.parentElement?.closest(".nbgc-text, .nbgc-thinking, .nbgc-author") ?? null;
  const name = element.tagName;
  if (!(content === null ? PANEL : CONTENT).has(name)) return `<${name}>`;
  const maths = element.namespaceURI.endsWith("MathML");
  for (const { name: attribute, value } of element.attributes) {
    const found = `<${name} ${attribute}=${JSON.stringify(value.slice(0, 200))}>`;
    if (name === "A") {
      if (attribute === "href" && WEB.test(value) && WEB.test(element.href)) continue;
      if (attribute === "rel" || (attribute === "target" && value === "_blank")) continue;
    }
    // The text field grows with what one writes.
    if (attribute === "style" && name === "TEXTAREA" && content === null && /^height: [\d.]+px;$/.test(value)) continue;
    if (name === "INPUT" && attribute === "multiple") continue;
    if (attribute === "href" || attribute === "style") return found;
    if (!HARMLESS.test(attribute) && !(maths && TEX.test(attribute))) return found;
    if (content !== null && attribute === "class" && !value.split(" ").every((one) => one === "" || OWN_CLASS.test(one))) return found;
    if (content !== null && attribute.startsWith("data-") && !/^data-(lm-suppress-shortcuts|code-action)$/.test(attribute)) return found;
  }
  return null;
}

/** Give what stands below an element and may not, each once. */
window.audit = (root) => [...new Set([...root.querySelectorAll("*")].map(problemOf).filter((found) => found !== null))];

// After a piece has come: as soon as the page has changed, or when it is clear that the piece changed nothing.
const NOTHING_MS = 250;
const Native = window.WebSocket;
let waits = null;
function shown() {
  if (waits === null) return;
  clearTimeout(waits);
  waits = null;
  for (const panel of document.querySelectorAll(".nbgroupchat")) window.problems.push(...window.audit(panel));
  void fetch("/shown", { method: "POST" });
}
window.problems = [];
window.WebSocket = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (data.includes('"delta"')) waits ??= setTimeout(shown, NOTHING_MS);
    });
  }
};
new MutationObserver(shown).observe(document, { subtree: true, childList: true, characterData: true });
