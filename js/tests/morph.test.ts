import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { morph } from "../src/morph";
import { Chance } from "./random";

const SVG = "http://www.w3.org/2000/svg";

/** Build a few random nodes, a few levels deep. */
function nodes(chance: Chance, depth = 3): Node[] {
  return Array.from({ length: chance.below(4) }, () => {
    const word = chance.one(["a", "ab", "abc", "x"]);
    if (depth === 0 || chance.below(3) === 0) return document.createTextNode(word);
    const element = chance.below(5) === 0 ? document.createElementNS(SVG, "a") : document.createElement(chance.one(["p", "a", "b"]));
    if (chance.below(2) === 0) element.setAttribute(chance.one(["title", "class"]), word);
    element.append(...nodes(chance, depth - 1));
    return element;
  });
}

test("any nodes become equal to any others", () => {
  const chance = new Chance(7);
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const place = sheet();
    place.append("kept", ...nodes(chance));
    const wanted = nodes(chance);
    const expected = document.createElement("div");
    expected.append("kept", ...wanted.map((node) => node.cloneNode(true)));
    morph(place, 1, wanted);
    assert.ok(place.isEqualNode(expected), `${place.innerHTML} is not ${expected.innerHTML}`);
  }
});

test("what stays equal is not touched, and a selection in it stays", () => {
  const place = sheet();
  place.append(document.createElement("p"), document.createElement("p"));
  const [first, last] = [...place.children] as [HTMLElement, HTMLElement];
  first.append("one two");
  last.append("three");
  const text = first.firstChild as Text;
  const range = document.createRange();
  range.setStart(text, 4);
  range.setEnd(text, 7);
  const wanted = [first.cloneNode(true), last.cloneNode(true)] as HTMLElement[];
  (wanted[1]?.firstChild as Text).data = "three four";
  morph(place, 0, wanted);
  assert.deepEqual([...place.children], [first, last]);
  assert.equal(first.firstChild, text);
  assert.equal(range.toString(), "two");
  assert.equal(last.textContent, "three four");
});

test("a text that grows keeps a selection in what it had", () => {
  const place = sheet();
  place.append("grows");
  const text = place.firstChild as Text;
  const range = document.createRange();
  range.setStart(text, 1);
  range.setEnd(text, 5);
  morph(place, 0, [document.createTextNode("grows on")]);
  assert.deepEqual([place.firstChild, range.toString()], [text, "rows"]);
});
