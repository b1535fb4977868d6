/**
 * The notebook around a panel: its cells, to be attached, and a place for code below the panel's own cell. Nothing is ever
 * run. Jupyter's front ends document none of this, so everything is looked for, and where it is not found there is no
 * notebook: `widget_manager.context.model.sharedModel` is the model that JupyterLab 4 and Notebook 7 share between views.
 */

import { strings } from "./strings";

/** A code cell in a list: how it is called, how it begins, and what it and its outputs would be as attachments. */
export interface CellBrief {
  readonly label: string;
  readonly beginning: string;
  parts(): readonly CellPart[];
}

export interface CellPart {
  readonly name: string;
  readonly mime: string;
  readonly data: Uint8Array;
}

export interface Notebook {
  cells(): readonly CellBrief[];
  /** Put code into a new cell below the one that `element` is in. Says whether it could. */
  insertBelow(element: Element, code: string): boolean;
}

interface SharedCell {
  readonly cell_type: string;
  readonly execution_count?: number | null;
  getSource(): string;
  getOutputs?(): readonly Record<string, unknown>[];
}

interface SharedModel {
  readonly cells: readonly SharedCell[];
  insertCell(index: number, cell: object): unknown;
}

/** How many cells are offered, the last run first. */
const OFFERED = 10;
const BEGINNING = 60;
const SUFFIXES: Readonly<Record<string, string>> = {
  "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "application/json": "json", "text/plain": "txt",
};
/** What colours a terminal's text. */
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Find the notebook of a widget's model, null where the front end shows none of it. */
export function notebookOf(model: unknown): Notebook | null {
  const shared = sharedModelOf(model);
  if (shared === null) return null;
  return {
    cells: () => briefs(shared),
    insertBelow: (element, code) => insertBelow(shared, element, code),
  };
}

function sharedModelOf(model: unknown): SharedModel | null {
  let found: unknown = model;
  for (const name of ["widget_manager", "context", "model", "sharedModel"]) {
    if (typeof found !== "object" || found === null) return null;
    found = (found as Record<string, unknown>)[name];
  }
  const shared = found as Partial<SharedModel> | null | undefined;
  return Array.isArray(shared?.cells) && typeof shared.insertCell === "function" ? (shared as SharedModel) : null;
}

function briefs(shared: SharedModel): CellBrief[] {
  return shared.cells
    .filter((cell) => cell.cell_type === "code" && typeof cell.getSource === "function" && cell.getSource().trim() !== "")
    .sort((a, b) => (b.execution_count ?? 0) - (a.execution_count ?? 0))
    .slice(0, OFFERED)
    .map((cell) => ({
      label: strings.cell(cell.execution_count ?? null),
      beginning: (cell.getSource().trim().split("\n")[0] ?? "").slice(0, BEGINNING),
      parts: () => partsOf(cell),
    }));
}

function partsOf(cell: SharedCell): CellPart[] {
  const number = cell.execution_count ?? "";
  const encoder = new TextEncoder();
  const parts: CellPart[] = [{ name: `cell ${number}.py`, mime: "text/x-python", data: encoder.encode(cell.getSource()) }];
  let text = "";
  for (const output of cell.getOutputs?.() ?? []) {
    const [mime, data] = shown(output);
    if (mime === "text/plain") text += `${text === "" || text.endsWith("\n") ? "" : "\n"}${data as string}`;
    else if (mime !== null) parts.push({ name: `output ${number}.${SUFFIXES[mime]}`, mime, data: data as Uint8Array });
  }
  if (text !== "") parts.push({ name: `output ${number}.txt`, mime: "text/plain", data: encoder.encode(text) });
  return parts.map((part) => ({ ...part, name: part.name.replace(" .", ".") }));
}

/** Give the best of an output that nothing can run in: a picture, else its text; HTML and SVG are left. */
function shown(output: Record<string, unknown>): [string | null, string | Uint8Array] {
  if (output["output_type"] === "stream") return ["text/plain", joined(output["text"])];
  if (output["output_type"] === "error") return ["text/plain", joined(output["traceback"], "\n").replace(COLOURS, "")];
  const bundle = output["data"];
  if (typeof bundle !== "object" || bundle === null) return [null, ""];
  for (const mime of Object.keys(SUFFIXES)) {
    const found = (bundle as Record<string, unknown>)[mime];
    if (found === undefined) continue;
    if (mime === "text/plain") return [mime, joined(found)];
    if (mime === "application/json") return [mime, new TextEncoder().encode(JSON.stringify(found))];
    try {
      return [mime, Uint8Array.from(atob(joined(found).trim()), (char) => char.charCodeAt(0))];
    } catch {
      // What is no picture may still have a text.
    }
  }
  return [null, ""];
}

/** A text in a notebook may be a list of lines. */
function joined(text: unknown, between = ""): string {
  return Array.isArray(text) ? text.map(String).join(between) : String(text ?? "");
}

function insertBelow(shared: SharedModel, element: Element, code: string): boolean {
  const index = indexOf(shared, element.closest<HTMLElement>(".jp-Cell"));
  if (index === null) return false;
  try {
    shared.insertCell(index + 1, { cell_type: "code", source: code, metadata: {} });
    return true;
  } catch {
    return false;
  }
}

/** JupyterLab numbers the cells it has in the page, for it may not have all of them there. */
function indexOf(shared: SharedModel, cell: HTMLElement | null): number | null {
  if (cell === null) return null;
  const numbered = Number.parseInt(cell.dataset["windowedListIndex"] ?? "", 10);
  if (numbered >= 0 && numbered < shared.cells.length) return numbered;
  const all = [...(cell.parentElement?.querySelectorAll(":scope > .jp-Cell") ?? [])];
  const index = all.indexOf(cell);
  return all.length === shared.cells.length && index >= 0 ? index : null;
}
