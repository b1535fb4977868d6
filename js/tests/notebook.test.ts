import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { notebookOf } from "../src/notebook";

interface Inserted {
  index: number;
  cell: Record<string, unknown>;
}

/** A notebook's shared model, as far as it is used. */
function shared(cells: object[], inserted: Inserted[] = []): object {
  const insertCell = (index: number, cell: Record<string, unknown>): void => void inserted.push({ index, cell });
  return { widget_manager: { context: { model: { sharedModel: { cells, insertCell } } } } };
}

function code(source: string, count: number | null, outputs: object[] = []): object {
  return { cell_type: "code", execution_count: count, getSource: () => source, getOutputs: () => outputs };
}

function page(attributes: (string | null)[]): Element[] {
  document.body.innerHTML = `<div>${attributes
    .map((index) => `<div class="jp-Cell" ${index === null ? "" : `data-windowed-list-index="${index}"`}><p></p></div>`)
    .join("")}</div>`;
  return [...document.querySelectorAll("p")];
}

test("a front end that shows no notebook has none", () => {
  for (const model of [
    null, {}, { widget_manager: null }, { widget_manager: { context: {} } }, { widget_manager: { context: { model: { sharedModel: 1 } } } },
    { widget_manager: { context: { model: { sharedModel: { cells: [] } } } } },
  ]) {
    assert.equal(notebookOf(model), null);
  }
});

test("code cells are offered, the last run first, as source and safe outputs", () => {
  const outputs = [
    { output_type: "stream", text: ["one\n", "two\n"] },
    { output_type: "display_data", data: { "image/svg+xml": "<svg onload='alert(1)'/>", "text/html": "<script>", "text/plain": "a figure" } },
    { output_type: "execute_result", data: { "image/png": `${btoa("png")}\n`, "text/plain": "<Figure>" } },
    { output_type: "error", traceback: ["\u001b[31mBoom\u001b[0m", "here"] },
    { output_type: "display_data", data: { "application/vnd.jupyter.widget-view+json": {} } },
    { output_type: "display_data", data: { "image/png": "%%%", "text/plain": "broken" } },
  ];
  const notebook = notebookOf(shared([
    { cell_type: "markdown", getSource: () => "# Title" }, code("", 9), code("x = 1", 1), code("\nplot()\nmore", 7, outputs), code("later", null),
  ]));
  const cells = notebook?.cells() ?? [];
  assert.deepEqual(cells.map(({ label, beginning }) => [label, beginning]), [["In [7]", "plot()"], ["In [1]", "x = 1"], ["not run", "later"]]);
  const parts = cells[0]?.parts() ?? [];
  const texts = parts.map(({ name, mime, data }) => [name, mime, new TextDecoder().decode(data)]);
  assert.deepEqual(texts, [
    ["cell 7.py", "text/x-python", "\nplot()\nmore"],
    ["output 7.png", "image/png", "png"],
    ["output 7.txt", "text/plain", "one\ntwo\na figure\nBoom\nhere\nbroken"],
  ]);
  assert.equal(cells[2]?.parts()[0]?.name, "cell.py");
});

test("code goes into a new cell below the panel's own, which is found by its number or its place", () => {
  const inserted: Inserted[] = [];
  const notebook = notebookOf(shared([code("a", 1), code("b", 2), code("c", 3)], inserted));
  const numbered = page(["1", "2"]);
  assert.equal(notebook?.insertBelow(numbered[0] as Element, "print(1)"), true);
  const placed = page([null, null, null]);
  assert.equal(notebook?.insertBelow(placed[2] as Element, "print(2)"), true);
  assert.deepEqual(inserted.map(({ index, cell }) => [index, cell["source"], cell["cell_type"]]), [[2, "print(1)", "code"], [3, "print(2)", "code"]]);
  for (const { cell } of inserted) assert.equal("outputs" in cell || cell["execution_count"] != null, false);
});

test("where the panel's cell is not known, nothing is inserted anywhere", () => {
  const inserted: Inserted[] = [];
  const notebook = notebookOf(shared([code("a", 1), code("b", 2), code("c", 3)], inserted));
  assert.equal(notebook?.insertBelow(page([null, null])[0] as Element, "x"), false);
  assert.equal(notebook?.insertBelow(page(["7"])[0] as Element, "x"), false);
  assert.equal(notebook?.insertBelow(document.createElement("p"), "x"), false);
  assert.equal(inserted.length, 0);
});

test("a notebook that refuses is a notebook that did not take it", async () => {
  const insertCell = (): never => {
    throw new Error("read only");
  };
  const notebook = notebookOf({ widget_manager: { context: { model: { sharedModel: { cells: [code("a", 1)], insertCell } } } } });
  assert.equal(notebook?.insertBelow(page(["0"])[0] as Element, "x"), false);
  await frame();
});
