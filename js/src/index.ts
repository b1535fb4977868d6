/**
 * The panel as an anywidget: the only file that knows anywidget. Its model has the traits `room` and `height` (CSS pixels).
 *
 * Each view has a copy of this module, and running the cell again makes new views before the old ones are gone, so nothing
 * is kept here.
 */

import type { RenderProps } from "@anywidget/types";
import { openPanel, type Panel } from "./panel";

interface Traits {
  room: string;
  height: number;
}

/** Undocumented and only in Jupyter's own front ends, so it may be missing. */
interface Saving {
  widget_manager?: { context?: { save?: () => void } };
}

function render({ model, el, signal }: RenderProps<Traits>): () => void {
  const save = (): void => (model as unknown as Saving).widget_manager?.context?.save?.();
  let panel: Panel | null = null;
  const resize = (): void => {
    if (panel !== null) panel.element.style.height = `${model.get("height")}px`;
  };
  const open = (): void => {
    panel?.dispose();
    panel = openPanel(model.get("room"), save);
    resize();
    el.append(panel.element);
  };
  const close = (): void => {
    model.off("change:room", open);
    model.off("change:height", resize);
    panel?.dispose();
    panel = null;
  };
  open();
  model.on("change:room", open);
  model.on("change:height", resize);
  signal?.addEventListener("abort", close, { once: true });
  return close;
}

export default { render };
