import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Markdown } from "../src/markdown";

function shown(text: string): HTMLElement {
  const place = sheet();
  new Markdown(place).show(text, { mention: null, asks: false, insert: null });
  return place;
}

test("a table stands in a box that scrolls and that the keyboard reaches, its columns aligned without styles", () => {
  const place = shown("| a | b | c | d |\n|---|--:|:-:|:--|\n| 1 | 2 | 3 | 4 |");
  const box = place.firstElementChild as HTMLElement;
  assert.deepEqual([box.className, box.tabIndex, box.getAttribute("aria-label")], ["nbgc-table", 0, "Table"]);
  for (const cells of ["th", "td"]) {
    const aligned = [...box.querySelectorAll(cells)].map((cell) => cell.getAttribute("align"));
    assert.deepEqual(aligned, [null, "right", "center", "left"]);
  }
  assert.equal(place.querySelector("[style]"), null);
});

test("a task is a sign with a name, and no field of a form", () => {
  const place = shown("- [ ] one\n- [x] two\n- three [x]\n- [y] four\n\n[x] five");
  assert.deepEqual([...place.querySelectorAll(".nbgc-task")].map((box) => [box.textContent, box.getAttribute("aria-label")]), [
    ["☐", "to do:"], ["☑", "done:"],
  ]);
  assert.equal(place.querySelector("input"), null);
  assert.deepEqual([...place.querySelectorAll("li")].map((item) => item.textContent), ["☐ one", "☑ two", "three [x]", "[y] four"]);
});

test("lists, quotes, headings and a line across are what they are in CommonMark", () => {
  const place = shown("# a\n\n3. b\n4. c\n\n> d\n\n---\n~~e~~");
  assert.deepEqual([...place.children].map((block) => block.localName), ["h1", "ol", "blockquote", "hr", "p"]);
  assert.equal(place.querySelector("ol")?.getAttribute("start"), "3");
});
