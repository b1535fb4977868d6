import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { identity, initials, mayRename, rename, serverOf, type Server } from "../src/server";

function pageWith(config: string | null, cookie = ""): Document {
  const { document } = new JSDOM("", { url: "http://localhost:8888/lab" }).window;
  if (config !== null) {
    const element = document.createElement("script");
    element.id = "jupyter-config-data";
    element.setAttribute("type", "application/json");
    element.textContent = config;
    document.head.append(element);
  }
  if (cookie !== "") document.cookie = cookie;
  return document;
}

test("the address of the server comes from the page's configuration", () => {
  const server = serverOf(pageWith('{"baseUrl": "/user/ana/"}'));
  assert.equal(server?.url("nbgroupchat/hub"), "http://localhost:8888/user/ana/nbgroupchat/hub");
  assert.equal(serverOf(pageWith('{"baseUrl": "/x"}'))?.url("y"), "http://localhost:8888/x/y");
});

test("a page that does not come from a Jupyter server has none", () => {
  for (const config of [null, "", "not JSON", "{}", '{"baseUrl": 1}', "null"]) assert.equal(serverOf(pageWith(config)), null);
});

test("requests carry the XSRF token where there is one", () => {
  assert.deepEqual(serverOf(pageWith('{"baseUrl": "/"}', "_xsrf=2%7Cabc"))?.headers(), { "X-XSRFToken": "2|abc" });
  assert.deepEqual(serverOf(pageWith('{"baseUrl": "/"}', "not_xsrf=1"))?.headers(), {});
});

const server: Server = { url: (path) => `http://localhost/${path}`, headers: () => ({ "X-XSRFToken": "t" }) };

function answering(body: unknown, status = 200): { request: typeof fetch; asked: { url: string; init: RequestInit }[] } {
  const asked: { url: string; init: RequestInit }[] = [];
  const request = (url: unknown, init?: RequestInit): Promise<Response> => {
    asked.push({ url: String(url), init: init ?? {} });
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  };
  return { request: request as typeof fetch, asked };
}

const me = (...fields: string[]): object => ({
  identity: { username: "u", name: "Anonymous Europa", display_name: "Anonymous Europa" },
  permissions: { updatable_fields: fields },
});

test("one's name may be changed where the server lets one change it", async () => {
  assert.ok(mayRename(await identity(server, answering(me("name", "display_name", "initials")).request)));
  assert.ok(!mayRename(await identity(server, answering(me("color")).request)));
  assert.ok(!mayRename(await identity(server, answering({}).request)));
  assert.ok(!mayRename(await identity(server, answering({}, 403).request)));
});

test("a new name is sent with the fields that may be changed, and the XSRF token", async () => {
  const who = { displayName: "Anonymous Europa", updatable: ["display_name", "initials"] };
  const { request, asked } = answering({});
  assert.equal(await rename(server, who, "Ana Sánchez", request), true);
  assert.equal(asked[0]?.url, "http://localhost/api/me");
  assert.deepEqual(asked[0].init.method, "PATCH");
  assert.deepEqual(JSON.parse(String(asked[0].init.body)), { display_name: "Ana Sánchez", initials: "AS" });
  assert.equal((asked[0].init.headers as Record<string, string>)["X-XSRFToken"], "t");
});

test("a name that the server refuses is not changed", async () => {
  assert.equal(await rename(server, { displayName: "", updatable: [] }, "Ana", answering({}, 400).request), false);
});

test("initials are one or two letters of any script", () => {
  const expected: Record<string, string> = {
    "Ana": "A", "Ana Sánchez": "AS", "ana maria lopez": "AL", "李雷": "李", "analysis.ipynb": "AI", "🦙": "🦙", "": "?",
    "user_7": "U7", "(guest)": "G",
  };
  for (const [name, letters] of Object.entries(expected)) assert.equal(initials(name), letters, name);
});
