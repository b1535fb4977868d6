import "./page";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { render } from "lit-html";
import { avatar, hue } from "../src/avatar";
import type { Kind } from "../src/protocol";

function shown(name: string, kind: Kind): Element {
  const place = document.createElement("div");
  render(avatar(name, kind), place);
  const [element] = place.children;
  assert.ok(element);
  return element;
}

test("the style sheet has a colour for every member, and each is used", () => {
  const css = readFileSync("src/avatar.css", "utf8");
  const hues = new Set(Array.from({ length: 500 }, (_, index) => hue(`member ${index}`)));
  for (const one of hues) assert.match(css, new RegExp(`data-hue="${one}"`));
  assert.equal(hues.size, css.match(/\.nbgc-avatar\[data-hue/g)?.length);
});

test("a member's colour is the same in every room, where the id is another", () => {
  assert.equal(shown("Ana", "human").getAttribute("data-hue"), String(hue("Ana")));
});

test("people have letters, others a sign, and none is read aloud", () => {
  assert.equal(shown("Ana Sánchez", "human").textContent, "AS");
  for (const kind of ["agent", "kernel"] as const) assert.ok(shown("x", kind).querySelector("svg path"), kind);
  assert.equal(shown("Ana", "human").getAttribute("aria-hidden"), "true");
});
