/** A kernel that a test plays: the comm of a widget's model, as the panel sees it. */

import type { Comm } from "../src/relay";
import { settle } from "./fakes";

export interface Said {
  readonly relay: string;
  readonly connection: string;
  readonly frames?: readonly string[];
  readonly heard?: number;
}

export class FakeKernel implements Comm {
  readonly said: Said[] = [];
  /** A kernel that runs a cell takes nothing. */
  busy = false;
  /** What it does with a message that it takes, besides saying so. */
  takes: (said: Said) => void = () => {};
  readonly #hearing = new Set<(message: unknown) => void>();
  #numbers = new Map<string, number>();

  send(message: object): void {
    this.said.push(message as Said);
    if (!this.busy) this.#take(message as Said);
  }

  on(heard: (message: unknown) => void): () => void {
    this.#hearing.add(heard);
    return () => this.#hearing.delete(heard);
  }

  get listeners(): number {
    return this.#hearing.size;
  }

  /** The cell ends: everything that waited is taken. */
  async idle(): Promise<void> {
    this.busy = false;
    for (const said of this.said.slice(-1)) this.#take(said);
    await settle();
  }

  tell(relay: string, connection: string, fields: object = {}): void {
    for (const heard of [...this.#hearing]) heard({ relay, connection, ...fields });
  }

  frame(connection: string, data: string): void {
    const number = (this.#numbers.get(connection) ?? 0) + 1;
    this.#numbers.set(connection, number);
    this.tell("frame", connection, { number, data });
  }

  of(relay: string): Said[] {
    return this.said.filter((said) => said.relay === relay);
  }

  #take(said: Said): void {
    if (said.relay !== "close") this.tell("taken", said.connection);
    if (said.relay === "open") this.tell("opened", said.connection);
    this.takes(said);
  }
}
