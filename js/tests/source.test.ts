import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const sources = readdirSync("src").filter((name) => name.endsWith(".ts"));
const read = (name: string): string => readFileSync(`src/${name}`, "utf8");

test("no source makes markup from text, evaluates code or writes to the console", () => {
  assert.ok(sources.length > 10);
  for (const name of sources) {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|unsafeHTML|unsafeSVG|insertAdjacentHTML|eval\(|console\.|: any\b/, name);
  }
});

test("each third party has one home, except lit-html, which is the view's language", () => {
  const homes = (party: string): string[] => sources.filter((name) => read(name).includes(`from "${party}`));
  assert.deepEqual(homes("@microsoft/signalr"), ["dial.ts"]);
  assert.deepEqual(homes("@anywidget/types"), ["index.ts"]);
  assert.deepEqual(homes("dompurify"), ["purify.ts"]);
  assert.deepEqual(homes("highlight.js"), ["highlight.ts"]);
  assert.deepEqual(homes("katex"), ["math.ts"]);
  assert.deepEqual(homes("markdown-it"), ["grammar.ts"]);
});

test("what decides and what connects does not know what renders", () => {
  const names = [
    "protocol", "room", "text", "clock", "outbox", "typist", "snapshot", "policy", "history", "reader", "connection", "server",
    "relay", "kernel", "thought", "pace", "link",
  ];
  for (const name of names) {
    assert.doesNotMatch(read(`${name}.ts`), /from "(lit-html|\.\/(view|message|composer|header|transcript|toolbar|editor|strings))/, name);
  }
});

test("every source says what it is", () => {
  for (const name of sources) assert.match(read(name), /^\/\*\*/, name);
});
