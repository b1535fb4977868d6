import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { insertCode } from "../src/inserting";
import type { Notebook } from "../src/notebook";
import { strings } from "../src/strings";

function notebook(takes: boolean, taken: string[]): Notebook {
  return { cells: () => [], insertBelow: (_element, code) => (takes ? taken.push(code) > 0 : false) };
}

test("code goes into the notebook, else onto the clipboard, else nowhere, and each is told", async () => {
  const element = document.createElement("p");
  const taken: string[] = [];
  const copied: string[] = [];
  const copy = (works: boolean) => (text: string): Promise<boolean> => {
    if (works) copied.push(text);
    return Promise.resolve(works);
  };
  assert.equal(await insertCode(notebook(true, taken), element, "a", copy(true)), strings.inserted);
  assert.equal(await insertCode(notebook(false, taken), element, "b", copy(true)), strings.copiedInstead);
  assert.equal(await insertCode(notebook(false, taken), element, "c", copy(false)), strings.notInserted);
  assert.deepEqual([taken, copied], [["a"], ["b"]]);
});
