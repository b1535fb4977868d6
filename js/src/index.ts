/**
 * The panel as an anywidget: the only file that knows anywidget. Its model has the traits `room` and `height` (CSS pixels);
 * its custom messages are the way through the kernel, for pages that cannot reach the hub.
 *
 * anywidget calls the factory once for each model. What a view listens to ends with the view, so the comm belongs to the
 * model: what was written before the last view went is still sent.
 */

import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import type { Connection } from "./connection";
import { connectionThrough } from "./kernel";
import { notebookOf } from "./notebook";
import { openPanel, type Panel } from "./panel";
import type { Comm } from "./relay";

interface Traits {
  room: string;
  height: number;
}

/** Undocumented and only in Jupyter's own front ends, so it may be missing. */
interface Saving {
  widget_manager?: { context?: { save?: () => void } };
}

export default function panelWidget() {
  let relay: (() => Connection) | null = null;

  function initialize({ model }: InitializeProps<Traits>): void {
    let connection: Connection | null = null;
    relay = () => (connection ??= connectionThrough(commOf(model)));
  }

  function render({ model, el, signal }: RenderProps<Traits>): () => void {
    const save = (): void => (model as unknown as Saving).widget_manager?.context?.save?.();
    let panel: Panel | null = null;
    const resize = (): void => {
      if (panel !== null) panel.element.style.height = `${model.get("height")}px`;
    };
    // Another room is this view's alone: the notebook, and other views of it, stay with the one that the cell names.
    const show = (room: string): void => {
      panel?.dispose();
      panel = openPanel(room, { save, go, isPage: false, notebook: notebookOf(model) ?? undefined }, relay);
      resize();
      el.append(panel.element);
    };
    const go = (room: string): void => {
      show(room);
      panel?.focus();
    };
    const open = (): void => show(model.get("room"));
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

  return { initialize, render };
}

function commOf(model: AnyModel<Traits>): Comm {
  return {
    send: (message) => model.send(message),
    on: (heard) => {
      const listener = (message: unknown): void => heard(message);
      model.on("msg:custom", listener);
      return () => model.off("msg:custom", listener);
    },
  };
}
