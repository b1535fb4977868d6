import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd } from "../src/crowd";

test("members whose line is out of sight are counted and named", () => {
  const list = document.createElement("ul");
  const more = document.createElement("span");
  let fit = 2;
  for (const [index, name] of ["llama", "Ana", "Ben", "Eve"].entries()) {
    const item = document.createElement("li");
    item.title = name;
    Object.defineProperty(item, "offsetTop", { get: () => (index < fit ? 8 : 40) });
    list.append(item);
  }
  const crowd = new Crowd(list, more);
  crowd.count();
  assert.deepEqual([more.textContent, more.title], ["+2", "Ben, Eve"]);
  fit = 4;
  crowd.count();
  assert.deepEqual([more.textContent, more.title], ["", ""]);
});

test("the list ends where its first line does, so that the count stands beside it", () => {
  const list = document.createElement("ul");
  const ends = [60, 130, 90];
  for (const [index, right] of ends.entries()) {
    const item = document.createElement("li");
    Object.defineProperty(item, "offsetTop", { get: () => (index < 2 ? 8 : 40) });
    item.getBoundingClientRect = () => ({ left: right - 50, right }) as DOMRect;
    list.append(item);
  }
  list.getBoundingClientRect = () => ({ left: 10, right: 300 }) as DOMRect;
  new Crowd(list, document.createElement("span")).count();
  assert.equal(list.style.maxWidth, "120px");
});
