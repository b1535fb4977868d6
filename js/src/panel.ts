/**
 * A panel on this page: the view, the connection that the page's panels share, and the own name, put together. Used by the
 * widget (`index`) and the plain page (`page`), of which it knows nothing.
 */

import { hashOf, pathOf } from "./address";
import { systemClock } from "./clock";
import type { Connection } from "./connection";
import type { Account } from "./name";
import type { Notebook } from "./notebook";
import { Reader } from "./reader";
import { identity, mayRename, rename, serverOf, type Server } from "./server";
import { sharedConnection } from "./shared";
import { View, type Surface } from "./view";

export interface Panel {
  readonly element: HTMLElement;
  /** Go to a message as soon as the room is there. */
  show(id: string): void;
  /** Begin to write. */
  focus(): void;
  dispose(): void;
}

/** What the page around a panel does for it. */
export interface Around {
  /** What Ctrl+S does here, where it is anything but the browser's own. */
  readonly save: (() => void) | null;
  /** Show another room. */
  readonly go: (room: string) => void;
  /** Whether this is the room's own page. */
  readonly isPage: boolean;
  /** Left out where there is none around the panel, or none that can be reached. */
  readonly notebook?: Notebook | undefined;
}

/**
 * Show a room. `relay` gives the connection through the panel's kernel, where it has one, for a page that cannot reach the
 * hub itself.
 */
export function openPanel(room: string, around: Around, relay: (() => Connection) | null): Panel {
  const server = serverOf(document);
  if (server !== null) return panelOn(server, room, around, relay);
  return relay === null ? panelWithoutServer(room, around) : panelThrough(relay(), room, around);
}

/** Straight to the server's hub, or through the kernel once it is known that this page has no way there. */
function panelOn(server: Server, room: string, around: Around, relay: (() => Connection) | null): Panel {
  const direct = sharedConnection(server);
  let connection = direct.isCutOff && relay !== null ? relay() : direct;
  let handle = connection.open(room);
  const view = new View(handle.reader, {
    account: accountOn(server, () => connection),
    attachment: (name, id) => server.url(`nbgroupchat/attachments/${encodeURIComponent(name)}/${id}`),
    retry: () => connection.retry(),
    ...surfaceOf(around),
    place: { address: (id) => server.url(pathOf(room)) + hashOf(id), elsewhere: !around.isPage },
  });
  const forget = relay === null || connection !== direct ? () => {} : direct.onCutOff(() => {
    const before = handle;
    connection = relay();
    handle = connection.open(room);
    handle.reader.takeOver(before.reader);
    view.follow(handle.reader);
    before.release();
  });
  return panelOf(view, () => {
    forget();
    view.dispose();
    handle.release();
  });
}

/** Through the kernel, where the page came from no server that it could reach. */
function panelThrough(connection: Connection, room: string, around: Around): Panel {
  const handle = connection.open(room);
  const view = new View(handle.reader, { account: null, retry: () => connection.retry(), ...surfaceOf(around), place: null });
  return panelOf(view, () => {
    view.dispose();
    handle.release();
  });
}

function panelWithoutServer(room: string, around: Around): Panel {
  const reader = new Reader(room, systemClock);
  reader.unreachable({ kind: "no_server", message: null });
  return new View(reader, { account: null, retry: () => {}, ...surfaceOf(around), go: null, place: null });
}

function surfaceOf({ save, go, notebook }: Around): Pick<Surface, "save" | "go" | "notebook" | "reload"> {
  return { save, go, notebook, reload: () => location.reload() };
}

function panelOf(view: View, dispose: () => void): Panel {
  return { element: view.element, show: (id) => view.show(id), focus: () => view.focus(), dispose };
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
