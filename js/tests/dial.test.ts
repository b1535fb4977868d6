import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { CutOff, Unreachable } from "../src/connection";
import { dial } from "../src/dial";
import type { Server } from "../src/server";

/** A server that answers every request with a status, and remembers what it was asked. */
async function answering(t: TestContext, status: number): Promise<{ server: Server; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const http = createServer((request, response) => {
    asked.push(request);
    response.writeHead(status).end("{}");
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => http.close());
  const { port } = http.address() as AddressInfo;
  return {
    server: { url: (path) => `http://127.0.0.1:${port}/${path}`, headers: () => ({ "X-XSRFToken": "t" }) },
    asked,
  };
}

for (const [status, kind] of [[404, "not_installed"], [403, "signed_out"], [401, "signed_out"]] as const) {
  test(`negotiating that is answered ${status} is unreachable: ${kind}`, async (t) => {
    const { server } = await answering(t, status);
    await assert.rejects(dial(server).start(), (error) => error instanceof Unreachable && error.problem.kind === kind);
  });
}

test("any other failure may pass", async (t) => {
  const { server } = await answering(t, 503);
  await assert.rejects(dial(server).start(), (error) => !(error instanceof Unreachable) && !(error instanceof CutOff));
});

test("no answer at all is a page that is cut off", async () => {
  const nowhere = { url: (path: string) => `http://127.0.0.1:1/${path}`, headers: () => ({}) };
  await assert.rejects(dial(nowhere).start(), CutOff);
});

test("it negotiates with the hub, and with the XSRF token", async (t) => {
  const { server, asked } = await answering(t, 404);
  await assert.rejects(dial(server).start());
  assert.equal(asked[0]?.url, "/nbgroupchat/hub/negotiate?negotiateVersion=1");
  assert.deepEqual([asked[0].method, asked[0].headers["x-xsrftoken"]], ["POST", "t"]);
});

test("a message that was lost ends the connection, so that it begins again and resumes", async (t) => {
  const server = await polled(t, (number) => (number === 1 ? 200 : 404));
  const hub = dial(server);
  const closed = new Promise<void>((resolve) => hub.onclose(resolve));
  await hub.start();
  await assert.rejects(hub.invoke("post"));
  await closed;
});

test("a page that goes while it polls says so", async (t) => {
  let ended = (_request: IncomingMessage): void => {};
  const request = new Promise<IncomingMessage>((resolve) => (ended = resolve));
  const server = await polled(t, () => 200, (one) => ended(one));
  const page = new EventTarget();
  const hub = dial(server, undefined, undefined, page);
  await hub.start();
  page.dispatchEvent(new Event("pagehide"));
  const { method, url } = await request;
  assert.equal(method, "DELETE");
  assert.match(url ?? "", /^\/nbgroupchat\/hub\?id=b/);
});

test("what a lost message was answered is not taken for a refusal of the server", async (t) => {
  const server = await polled(t, () => 404);
  await assert.rejects(dial(server).start(), (error) => !(error instanceof Unreachable) && !(error instanceof CutOff));
});

test("a page that was answered is not cut off, though no way to the hub opens after that", async (t) => {
  let asked = 0;
  const http = createServer((request, response) => {
    asked += 1;
    if (request.url?.includes("/negotiate")) response.end(JSON.stringify(offer("WebSockets", "ServerSentEvents", "LongPolling")));
    else request.socket.destroy();
  });
  http.on("upgrade", (request) => request.socket.destroy());
  const server = await listening(t, http);
  await assert.rejects(dial(server).start(), (error) => !(error instanceof Unreachable) && !(error instanceof CutOff));
  assert.ok(asked > 2);
});

/** A server that offers long polling alone, shakes hands, and answers each message with a status. */
async function polled(
  t: TestContext, status: (number: number) => number, ended: (request: IncomingMessage) => void = () => {},
): Promise<Server> {
  let posts = 0;
  let polls = 0;
  let shake = (): void => {};
  const shaken = new Promise<void>((resolve) => (shake = resolve));
  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    DELETE: (request, response) => {
      ended(request);
      response.writeHead(202).end();
    },
    GET: (_, response) => {
      polls += 1;
      if (polls === 1) response.end();
      if (polls === 2) void shaken.then(() => response.end("{}\x1e"));
    },
    POST: (request, response) => {
      if (request.url?.includes("/negotiate")) return response.end(JSON.stringify(offer("LongPolling")));
      posts += 1;
      shake();
      return response.writeHead(status(posts)).end();
    },
  };
  return listening(t, createServer((request, response) => answers[request.method ?? ""]?.(request.resume(), response)));
}

function offer(...transports: string[]): object {
  const availableTransports = transports.map((transport) => ({ transport, transferFormats: ["Text"] }));
  return { negotiateVersion: 1, connectionId: "a", connectionToken: "b", availableTransports };
}

async function listening(t: TestContext, http: HttpServer): Promise<Server> {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return { url: (path) => `http://127.0.0.1:${port}/${path}`, headers: () => ({}) };
}
