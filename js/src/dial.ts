/**
 * Makes a SignalR connection to the hub of the Jupyter server behind this page. The only file that knows
 * `@microsoft/signalr`; it knows nothing of rooms.
 */

import {
  DefaultHttpClient, HttpError, HubConnectionBuilder, LogLevel, NullLogger, type HttpRequest, type HttpResponse,
} from "@microsoft/signalr";
import { Unreachable, type HubConnection } from "./connection";
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
  return {
    start: () => hub.start().catch((error: unknown) => {
      const problem = problemOf(client.status);
      throw problem === null ? error : new Unreachable(problem);
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
