/**
 * A panel on this page: the view, the connection that the page's panels share, and the own name, put together. Used by the
 * widget (`index`) and the plain page (`page`), of which it knows nothing.
 */

import { systemClock } from "./clock";
import type { Account } from "./name";
import { Reader } from "./reader";
import { identity, mayRename, rename, serverOf, type Server } from "./server";
import { sharedConnection } from "./shared";
import { View } from "./view";

export interface Panel {
  readonly element: HTMLElement;
  dispose(): void;
}

/** Show a room. `save` is what Ctrl+S does here, where it is anything but the browser's own. */
export function openPanel(room: string, save: (() => void) | null): Panel {
  const server = serverOf(document);
  return server === null ? panelWithoutServer(room, save) : panelOn(server, room, save);
}

function panelOn(server: Server, room: string, save: (() => void) | null): Panel {
  const connection = sharedConnection(server);
  const handle = connection.open(room);
  const view = new View(handle.reader, {
    account: accountOn(server, () => connection.redial()),
    save,
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

/** `renamed` connects anew: the server stamps the name that it knew when the connection was made. */
function accountOn(server: Server, renamed: () => void): Account {
  return {
    mayRename: async () => mayRename(await identity(server)),
    rename: async (name) => {
      const who = await identity(server);
      const done = who !== null && (await rename(server, who, name));
      if (done) renamed();
      return done;
    },
  };
}
