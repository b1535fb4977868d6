import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Markdown } from "../src/markdown";
import { formula } from "../src/math";

function shown(text: string): HTMLElement {
  const place = sheet();
  new Markdown(place).show(text, { mention: null, asks: false, insert: null });
  return place;
}

/** The source of each formula, in braces where it stands by itself. */
const formulas = (text: string): string[] =>
  [...shown(text).querySelectorAll("math")].map((math) => {
    const tex = math.getAttribute("alttext") ?? "";
    return math.getAttribute("display") === "block" ? `{${tex}}` : tex;
  });

test("formulas are found in lines and as blocks", () => {
  assert.deepEqual(formulas("$a$ and \\(b\\) and $$c$$ and \\[d\\]"), ["a", "b", "{c}", "{d}"]);
  assert.deepEqual(formulas("$$\na\n+ b\n$$\n\\[\nc\n\\]\n$$ d $$"), ["{a\n+ b}", "{c}", "{d}"]);
  assert.deepEqual(formulas("> $$\n> a\n> $$\n\n- $b$\n- $$\n  c\n  $$"), ["{a}", "b", "{c}"]);
  assert.deepEqual(formulas("| $a$ |\n|---|\n| $b$ |"), ["a", "b"]);
});

test("money, code and escaped signs are no formulas", () => {
  for (const text of ["$5 and $10", "it costs $5", "5$ or 10 $", "`$a$`", "\\$a$", "$ a $", "$$", "$$$$", "    $a$", "a\\\\(b)"]) {
    assert.deepEqual(formulas(text), [], text);
  }
});

test("an empty line ends a formula that nobody closed", () => {
  const place = shown("$$\na\n\n# b\n\n$$");
  assert.equal(place.querySelector("math"), null);
  assert.deepEqual(place.querySelector("h1")?.textContent, "b");
  assert.equal(place.querySelector("p")?.textContent, "$$\na");
});

test("what is no TeX is shown as it was written", () => {
  const place = shown("$\\frac{$ and $\\undefined$");
  assert.equal(place.querySelector("math"), null);
  assert.deepEqual([...place.querySelectorAll("code")].map((code) => code.textContent), ["\\frac{", "\\undefined"]);
});

test("a formula links nothing, loads nothing, and has no style, class or id of its own", () => {
  const place = shown(
    [
      "\\href{javascript:alert(1)}{x}", "\\url{https://example.org}", "\\includegraphics{https://example.org/a.png}", "\\htmlId{a}{x}",
      "\\htmlClass{nbgc-stop}{x}", "\\htmlStyle{position:fixed}{x}", "\\htmlData{a=b}{x}", "\\text{<img src=x onerror=alert(1)>}",
      "\\color{red}{x}", "\\textcolor{expression(alert(1))}{x}", "\\rule{1000em}{1000em}", "\\cancel{x} \\boxed{y} \\tag{1}",
    ].map((tex) => `$$${tex}$$`).join("\n\n"),
  );
  for (const element of place.querySelectorAll("math, math *")) {
    for (const { name } of element.attributes) assert.doesNotMatch(name, /^(on|href|src|style|class|id|name|data-)/);
  }
  assert.equal(place.querySelector("a, img, script, [href], [src]"), null);
});

test("formulas that expand or nest without end are given up", () => {
  for (const tex of ["\\def\\x{\\x\\x}\\x", "\\newcommand{\\a}{\\a}\\a", "x".repeat(5000), "{".repeat(1000)]) {
    assert.equal(formula(tex, false), null, tex.slice(0, 20));
  }
});

test("what one formula defines, the next does not know", () => {
  assert.ok(formula("\\gdef\\mine{x}\\mine", false));
  assert.equal(formula("\\mine", false), null);
});
