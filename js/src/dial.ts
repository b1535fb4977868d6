/**
 * Makes a SignalR connection to the hub: of the Jupyter server behind this page, or through a kernel. The only file that
 * knows `@microsoft/signalr`; it knows nothing of rooms.
 */

import {
  DefaultHttpClient, HttpError, HttpTransportType, HubConnectionBuilder, LogLevel, NullLogger,
  type HttpRequest, type HttpResponse, type HubConnection as SignalR, type IHttpConnectionOptions,
} from "@microsoft/signalr";
import { CutOff, Unreachable, type HubConnection } from "./connection";
import type { SocketClass } from "./relay";
import type { Problem } from "./snapshot";
import type { Server } from "./server";

const HUB_PATH = "nbgroupchat/hub";

/** Remembers how negotiating was refused: the library puts the status into a sentence only. */
class NegotiatingClient extends DefaultHttpClient {
  status: number | null = null;

  constructor() {
    super(NullLogger.instance);
  }

  override async send(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await super.send(request);
    } catch (error) {
      if (error instanceof HttpError) this.status = error.statusCode;
      throw error;
    }
  }
}

export function dial(server: Server): HubConnection {
  const client = new NegotiatingClient();
  const hub = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(server.url(HUB_PATH), { headers: server.headers(), httpClient: client })
    .build();
  return handleOf(hub, () => {
    const problem = problemOf(client.status);
    if (problem !== null) return new Unreachable(problem);
    return client.status === null ? new CutOff() : null;
  });
}

/** Connect over sockets of the page's own making; `refusal` is why there can be none, if that was said. */
export function dialThrough(sockets: SocketClass, refusal: () => string | null): HubConnection {
  // `WebSocket` is left out of the library's types.
  const options: IHttpConnectionOptions & { WebSocket: SocketClass } = {
    skipNegotiation: true, transport: HttpTransportType.WebSockets, WebSocket: sockets,
  };
  // The sockets have a way of their own; the client wants an address.
  const hub = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl("http://kernel.invalid/", options).build();
  return handleOf(hub, () => {
    const message = refusal();
    return message === null ? null : new Unreachable({ kind: "no_hub", message });
  });
}

/** `failure` is what a failed start means, where that is known. */
function handleOf(hub: SignalR, failure: () => Error | null): HubConnection {
  return {
    start: () => hub.start().catch((error: unknown) => {
      throw failure() ?? error;
    }),
    stop: () => hub.stop(),
    invoke: (method, ...args) => hub.invoke<unknown>(method, ...args),
    send: (method, ...args) => hub.send(method, ...args),
    on: (method, heard) => hub.on(method, (...args: unknown[]) => heard(...args)),
    onclose: (closed) => hub.onclose(() => closed()),
  };
}

export function problemOf(status: number | null): Problem | null {
  if (status === 404) return { kind: "not_installed", message: null };
  if (status === 401 || status === 403) return { kind: "signed_out", message: null };
  return null;
}
