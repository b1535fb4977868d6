/**
 * A panel on this page: the view, the connection that the page's panels share, and the own name, put together. Used by the
 * widget (`index`) and the plain page (`page`), of which it knows nothing.
 */

import { systemClock } from "./clock";
import type { Connection } from "./connection";
import type { Account } from "./name";
import type { Notebook } from "./notebook";
import { Reader } from "./reader";
import { identity, mayRename, rename, serverOf, type Server } from "./server";
import { sharedConnection } from "./shared";
import { View } from "./view";

export interface Panel {
  readonly element: HTMLElement;
  dispose(): void;
}

/**
 * Show a room. `save` is what Ctrl+S does here, where it is anything but the browser's own; `relay` gives the connection
 * through the panel's kernel, where it has one, for a page that cannot reach the hub itself; `notebook` is what is around it.
 */
export function openPanel(
  room: string, save: (() => void) | null, relay: (() => Connection) | null, notebook?: Notebook,
): Panel {
  const server = serverOf(document);
  if (server !== null) return panelOn(server, room, save, relay, notebook);
  return relay === null ? panelWithoutServer(room, save) : panelThrough(relay(), room, save, notebook);
}

/** Straight to the server's hub, or through the kernel once it is known that this page has no way there. */
function panelOn(
  server: Server, room: string, save: (() => void) | null, relay: (() => Connection) | null, notebook?: Notebook,
): Panel {
  const direct = sharedConnection(server);
  let connection = direct.isCutOff && relay !== null ? relay() : direct;
  let handle = connection.open(room);
  const view = new View(handle.reader, {
    account: accountOn(server, () => connection),
    attachment: (name, id) => server.url(`nbgroupchat/attachments/${encodeURIComponent(name)}/${id}`),
    notebook,
    save,
    retry: () => connection.retry(),
    reload: () => location.reload(),
  });
  const forget = relay === null || connection !== direct ? () => {} : direct.onCutOff(() => {
    const before = handle;
    connection = relay();
    handle = connection.open(room);
    handle.reader.takeOver(before.reader);
    view.follow(handle.reader);
    before.release();
  });
  return {
    element: view.element,
    dispose() {
      forget();
      view.dispose();
      handle.release();
    },
  };
}

/** Through the kernel, where the page came from no server that it could reach. */
function panelThrough(connection: Connection, room: string, save: (() => void) | null, notebook?: Notebook): Panel {
  const handle = connection.open(room);
  const view = new View(handle.reader, {
    account: null,
    save,
    notebook,
    retry: () => connection.retry(),
    reload: () => location.reload(),
  });
  return {
    element: view.element,
    dispose() {
      view.dispose();
      handle.release();
    },
  };
}

function panelWithoutServer(room: string, save: (() => void) | null): Panel {
  const reader = new Reader(room, systemClock);
  reader.unreachable({ kind: "no_server", message: null });
  return new View(reader, { account: null, save, retry: () => {}, reload: () => location.reload() });
}

/** A name is learnt when a connection is made, and so takes a new one. What goes through a kernel has the notebook's. */
function accountOn(server: Server, connection: () => Connection): Account {
  return {
    mayRename: async () => !connection().isRelayed && mayRename(await identity(server)),
    rename: async (name) => {
      const who = await identity(server);
      const done = who !== null && (await rename(server, who, name));
      if (done) connection().redial();
      return done;
    },
  };
}
