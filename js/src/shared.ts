/**
 * The one connection of this page. Every view of the widget gets its own copy of this code, so the connection is kept where
 * all copies find it. It knows nothing of what is read over it.
 */

import { systemClock } from "./clock";
import { Connection } from "./connection";
import { dial } from "./dial";
import type { Server } from "./server";
import { Ways } from "./ways";

/** The number counts changes of what `Connection` and `Reader` offer: copies of another version keep to themselves. */
const KEY = Symbol.for("nbgroupchat.connection.3");

export function sharedConnection(server: Server): Connection {
  const page = globalThis as typeof globalThis & { [KEY]?: Connection };
  return (page[KEY] ??= begin(server));
}

function begin(server: Server): Connection {
  const ways = new Ways();
  const connection = new Connection(() => dial(server, ways), systemClock);
  globalThis.addEventListener("online", () => connection.hurry());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connection.hurry();
  });
  return connection;
}
