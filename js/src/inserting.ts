/**
 * Code from a message on its way into the notebook: into a new cell below the panel's own, else onto the clipboard, and what is
 * told of it. It is never run from here.
 */

import type { Notebook } from "./notebook";
import { strings } from "./strings";

/** Insert it, or have it copied by `copy`, which says whether it could; gives the sentence to be told. */
export async function insertCode(
  notebook: Notebook, element: Element, code: string, copy: (text: string) => Promise<boolean>,
): Promise<string> {
  if (notebook.insertBelow(element, code)) return strings.inserted;
  return (await copy(code)) ? strings.copiedInstead : strings.notInserted;
}
