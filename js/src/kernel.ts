/** A connection to the hub through the kernel of a widget, shared by the views of its model in this page. */

import { systemClock, type Clock } from "./clock";
import { Connection } from "./connection";
import { dialThrough } from "./dial";
import { socketsOver, type Comm } from "./relay";

export function connectionThrough(comm: Comm, clock: Clock = systemClock): Connection {
  const connection: Connection = new Connection(() => {
    let refusal: string | null = null;
    const sockets = socketsOver(comm, clock, {
      waits: (waits) => connection.relayed(waits),
      refused: (reason) => (refusal = reason),
    });
    return dialThrough(sockets, () => refusal);
  }, clock);
  connection.relayed(false);
  return connection;
}
