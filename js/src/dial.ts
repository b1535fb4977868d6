/**
 * Makes a SignalR connection to the hub: of the Jupyter server behind this page, by the first of its ways that comes
 * through (WebSocket, Server-Sent Events, long polling), or through a kernel. The only file that knows
 * `@microsoft/signalr`; it knows nothing of rooms.
 */

import {
  DefaultHttpClient, HttpError, HttpTransportType, HubConnectionBuilder, LogLevel, NullLogger,
  type HttpRequest, type HttpResponse, type HubConnection as SignalR, type IHttpConnectionOptions,
} from "@microsoft/signalr";
import { systemClock, type Clock } from "./clock";
import { CutOff, Unreachable, type HubConnection } from "./connection";
import { EventStream } from "./eventstream";
import type { SocketClass } from "./relay";
import type { Problem } from "./snapshot";
import type { Server } from "./server";
import { SERVER_SENT_EVENTS, WEB_SOCKETS, Watch, Ways } from "./ways";

const HUB_PATH = "nbgroupchat/hub";

/** The library takes these two as well, and leaves them out of its published types. */
interface Options extends IHttpConnectionOptions {
  WebSocket?: typeof WebSocket | SocketClass;
  EventSource?: new (url: string) => EventStream;
}

/** Remembers how negotiating was answered, which the library puts into a sentence at most, and hears of lost messages. */
class Requests extends DefaultHttpClient {
  /** Null where no answer came. */
  status: number | null = null;
  lost: () => void = () => {};
  /** Where it polls. Only polls come here with GET. */
  #poll: HttpRequest | null = null;

  constructor() {
    super(NullLogger.instance);
  }

  override async send(request: HttpRequest): Promise<HttpResponse> {
    if (request.method === "GET") this.#poll = request;
    const negotiating = request.url?.split("?")[0]?.endsWith("/negotiate") ?? false;
    try {
      const response = await super.send(request);
      if (negotiating) this.status = response.statusCode;
      return response;
    } catch (error) {
      if (negotiating && error instanceof HttpError) this.status = error.statusCode;
      if (!negotiating && request.method === "POST") this.lost();
      throw error;
    }
  }

  /** The page goes: without a word the server would wait for its next poll, and show its member as present meanwhile. */
  end(): void {
    const { url, headers } = this.#poll ?? {};
    this.#poll = null;
    if (url === undefined) return;
    fetch(url, { method: "DELETE", keepalive: true, credentials: "same-origin", headers: { ...headers } }).catch(() => {});
  }
}

/** What tells that a page goes. */
export type Leaving = Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;

export function dial(
  server: Server, ways: Ways = new Ways(), clock: Clock = systemClock, page: Leaving = globalThis as unknown as Leaving,
): HubConnection {
  const requests = new Requests();
  const tried = ways.open;
  const options: Options = {
    headers: server.headers(), httpClient: requests, transport: tried,
    ...watchedWebSocket(ways, clock), EventSource: watchedEventStream(server, ways, clock),
  };
  const hub = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl(server.url(HUB_PATH), options).build();
  const end = (): void => requests.end();
  hub.onclose(() => page.removeEventListener?.("pagehide", end));
  return handleOf(hub, async () => {
    try {
      await hub.start();
      page.addEventListener?.("pagehide", end);
    } catch (error) {
      ways.failed(tried);
      if (requests.status === null) throw new CutOff();
      const problem = problemOf(requests.status);
      throw problem === null ? error : new Unreachable(problem);
    }
    // The library would wait for the answer to a message that was never taken. A new connection resumes.
    requests.lost = () => void hub.stop().catch(() => {});
  });
}

/** Connect over sockets of the page's own making; `refusal` is why there can be none, if that was said. */
export function dialThrough(sockets: SocketClass, refusal: () => string | null): HubConnection {
  const options: Options = { skipNegotiation: true, transport: HttpTransportType.WebSockets, WebSocket: sockets };
  // The sockets have a way of their own; the client wants an address.
  const hub = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl("http://kernel.invalid/", options).build();
  return handleOf(hub, async () => {
    try {
      await hub.start();
    } catch (error) {
      const message = refusal();
      throw message === null ? error : new Unreachable({ kind: "no_hub", message });
    }
  });
}

function handleOf(hub: SignalR, start: () => Promise<void>): HubConnection {
  return {
    start,
    stop: () => hub.stop(),
    invoke: (method, ...args) => hub.invoke<unknown>(method, ...args),
    send: (method, ...args) => hub.send(method, ...args),
    on: (method, heard) => hub.on(method, (...args: unknown[]) => heard(...args)),
    onclose: (closed) => hub.onclose(() => closed()),
  };
}

export function problemOf(status: number): Problem | null {
  if (status === 404) return { kind: "not_installed", message: null };
  if (status === 401 || status === 403) return { kind: "signed_out", message: null };
  return null;
}

/** The page's WebSocket, given up where it stays silent. Without one the library takes what it finds. */
function watchedWebSocket(ways: Ways, clock: Clock): Pick<Options, "WebSocket"> {
  const Native = globalThis.WebSocket as typeof WebSocket | undefined;
  if (Native === undefined) return {};
  class WatchedWebSocket extends Native {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      const watch = new Watch(clock, () => {
        ways.leaveOut(WEB_SOCKETS);
        this.close();
      });
      this.addEventListener("open", () => watch.opened());
      for (const over of ["message", "close"]) this.addEventListener(over, () => watch.done());
    }
  }
  return { WebSocket: WatchedWebSocket };
}

function watchedEventStream(server: Server, ways: Ways, clock: Clock): new (url: string) => EventStream {
  return class extends EventStream {
    readonly #watch: Watch;

    constructor(url: string) {
      super(url, server.headers());
      this.#watch = new Watch(clock, () => {
        ways.leaveOut(SERVER_SENT_EVENTS);
        this.fail();
      });
    }

    protected override opened(): void {
      this.#watch.opened();
      super.opened();
    }

    protected override heard(data: string): void {
      this.#watch.done();
      super.heard(data);
    }

    override close(): void {
      this.#watch.done();
      super.close();
    }
  };
}
