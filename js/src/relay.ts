/**
 * A WebSocket that goes through the kernel, for pages that cannot reach the hub: the widget's custom messages carry its
 * frames, which the kernel passes on unread. Twin of `relay.py`; `docs/protocol.md` has the messages.
 *
 * It knows nothing of SignalR, of anywidget, or of what the frames say. One message to the kernel is under way at a time:
 * while a cell runs the kernel takes none, and so what waits, waits here, and is known to wait.
 */

import type { Clock } from "./clock";

/** The custom messages between a widget's model and its kernel. */
export interface Comm {
  send(message: object): void;
  /** Hear what the kernel sends to all views of the model, until what is returned is called. */
  on(heard: (message: unknown) => void): () => void;
}

/** What a SignalR client asks of a WebSocket. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: object) => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onerror: ((event: object) => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
  send(frame: string): void;
  close(): void;
}

export interface SocketClass {
  new (): Socket;
  readonly OPEN: number;
}

/** What is told about the way through the kernel. */
export interface Watcher {
  /** Whether the kernel has let a message wait for longer than a moment: it runs a cell, or is gone. */
  waits(waits: boolean): void;
  /** The kernel cannot reach the hub either, and says why. */
  refused(reason: string): void;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

/** A kernel that is idle takes a message within milliseconds. */
const STALL_MS = 1_000;
/** How many characters may be heard before the kernel is told so; it stops at four million bytes. */
const HEARD_LENGTH = 256 * 1024;
const FRAMES_AT_ONCE = 64;
/** The close code for "try again later" (registered with IANA). */
const TRY_LATER = 1013;
const LOST = 1006;

/** Make the class of the sockets that go over a comm. */
export function socketsOver(comm: Comm, clock: Clock, watcher: Watcher): SocketClass {
  return class extends RelaySocket {
    constructor() {
      super(comm, clock, watcher);
    }
  };
}

class RelaySocket implements Socket {
  static readonly OPEN = OPEN;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onerror: Socket["onerror"] = null;
  onclose: Socket["onclose"] = null;
  #state = CONNECTING;
  /** Every view of the widget, in every browser, hears every message: this says which are for this connection. */
  readonly #id = randomId();
  readonly #forget: () => void;
  #waiting: string[] = [];
  #underWay = false;
  #stalled = false;
  #cancelStall: () => void = () => {};
  #heard = 0;
  #untold = 0;

  constructor(
    private readonly comm: Comm,
    private readonly clock: Clock,
    private readonly watcher: Watcher,
  ) {
    this.#forget = comm.on((message) => this.#hear(message));
    // Nothing may happen before whoever makes this has set its handlers.
    queueMicrotask(() => {
      if (this.#state === CONNECTING) this.#say("open", {});
    });
  }

  get readyState(): number {
    return this.#state;
  }

  send(frame: string): void {
    this.#waiting.push(frame);
    this.#flush();
  }

  close(): void {
    if (this.#state === CLOSED) return;
    this.comm.send({ relay: "close", connection: this.#id });
    this.#end(1000, "");
  }

  #flush(): void {
    if (this.#underWay || this.#state !== OPEN) return;
    if (this.#waiting.length === 0 && this.#untold < HEARD_LENGTH) return;
    this.#untold = 0;
    this.#say("frames", { frames: this.#waiting.splice(0, FRAMES_AT_ONCE), heard: this.#heard });
  }

  #say(relay: string, fields: object): void {
    this.#underWay = true;
    this.#cancelStall = this.clock.after(STALL_MS, () => this.#stall(true));
    this.comm.send({ relay, connection: this.#id, ...fields });
  }

  #hear(message: unknown): void {
    const { relay, connection, ...said } = (message ?? {}) as Record<string, unknown>;
    if (connection !== this.#id || this.#state === CLOSED) return;
    if (relay === "taken") this.#taken();
    else if (relay === "opened") this.#opened();
    else if (relay === "frame") this.#frame(said["number"], String(said["data"]));
    else if (relay === "closed") this.#closed(Number(said["code"]), String(said["reason"]));
  }

  #taken(): void {
    this.#underWay = false;
    this.#cancelStall();
    this.#stall(false);
    this.#flush();
  }

  #opened(): void {
    this.#state = OPEN;
    this.onopen?.({});
  }

  #frame(number: unknown, data: string): void {
    if (number !== this.#heard + 1) {
      // Jupyter drops messages of a kernel that sends too much. A new connection goes on where this one was.
      this.comm.send({ relay: "close", connection: this.#id });
      this.#end(LOST, "a frame was lost between the kernel and this page");
      return;
    }
    this.#heard += 1;
    this.#untold += data.length;
    this.onmessage?.({ data });
    this.#flush();
  }

  #closed(code: number, reason: string): void {
    if (this.#state === CONNECTING && code === TRY_LATER) this.watcher.refused(reason);
    this.#end(code, reason);
  }

  #stall(stalled: boolean): void {
    if (this.#stalled === stalled) return;
    this.#stalled = stalled;
    this.watcher.waits(stalled);
  }

  #end(code: number, reason: string): void {
    this.#state = CLOSED;
    this.#forget();
    this.#cancelStall();
    this.#stall(false);
    this.onclose?.({ code, reason, wasClean: code === 1000 });
  }
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
