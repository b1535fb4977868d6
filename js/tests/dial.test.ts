import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
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
