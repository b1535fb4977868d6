import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { EventStream, eventParser } from "../src/eventstream";

/** A server that hands its first request over, and a stream that asks it. */
async function streaming(t: TestContext, headers: Record<string, string> = {}): Promise<{
  stream: EventStream; request: IncomingMessage; response: ServerResponse; seen: string[]; next: () => Promise<void>;
}> {
  const asked: [IncomingMessage, ServerResponse][] = [];
  let tell = (): void => {};
  const http = createServer((request, response) => {
    asked.push([request, response]);
    tell();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const seen: string[] = [];
  let happened = (): void => {};
  const arrived = new Promise<void>((resolve) => (tell = resolve));
  const stream = new EventStream(`http://127.0.0.1:${(http.address() as AddressInfo).port}/?id=1`, headers);
  const note = (what: string): void => {
    seen.push(what);
    happened();
  };
  stream.onopen = () => note("open");
  stream.onmessage = ({ data }) => note(data);
  stream.onerror = () => note("error");
  await arrived;
  const [request, response] = asked[0]!;
  return { stream, request, response, seen, next: () => new Promise((resolve) => (happened = resolve)) };
}

test("it sends what it is given, and asks for a stream", async (t) => {
  const { request } = await streaming(t, { "X-XSRFToken": "t" });
  assert.deepEqual([request.headers["x-xsrftoken"], request.headers.accept], ["t", "text/event-stream"]);
});

test("it is open when the first byte has come, not before", async (t) => {
  const { response, seen, next } = await streaming(t);
  response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
  assert.deepEqual(seen, []);
  const opened = next();
  response.write(":\n\n");
  await opened;
  assert.deepEqual(seen, ["open"]);
  const heard = next();
  response.write("data: é😀\n\n");
  await heard;
  assert.deepEqual(seen, ["open", "é😀"]);
});

test("its end, and a refusal, are errors, told once", async (t) => {
  const ended = await streaming(t);
  const told = ended.next();
  ended.response.writeHead(200).end();
  await told;
  assert.deepEqual(ended.seen, ["error"]);
  const refused = await streaming(t);
  const refusal = refused.next();
  refused.response.writeHead(403).end("data: no\n\n");
  await refusal;
  assert.deepEqual(refused.seen, ["error"]);
});

test("closed, it reads no more and says nothing", async (t) => {
  const { stream, response, seen, next } = await streaming(t);
  const opened = next();
  response.writeHead(200).write(":\n\n");
  await opened;
  const gone = new Promise<void>((resolve) => response.on("close", resolve));
  stream.close();
  await gone;
  assert.deepEqual(seen, ["open"]);
});

test("events are found whole, however the stream is cut and whatever ends its lines", () => {
  const text = ": comment\n\ndata: a\ndata: b\n\ndata:c\r\n\r\nevent: other\ndata: no\n\nid: 1\ndata\n\nevent: message\rdata: d\r\rdata: x";
  for (let size = 1; size <= text.length; size += 1) {
    const parse = eventParser();
    const found: string[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...parse(text.slice(at, at + size)));
    assert.deepEqual(found, ["a\nb", "c", "", "d"], `in parts of ${size}`);
  }
});
