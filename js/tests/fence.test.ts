import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { pressed } from "../src/fence";
import { colours } from "../src/highlight";
import { Markdown } from "../src/markdown";

function shown(text: string, insert: ((code: string, language: string) => boolean) | null = null): HTMLElement {
  const place = sheet();
  new Markdown(place).show(text, { mention: "@llama", asks: true, insert });
  return place;
}

const words = (place: Element, selector: string): (string | null)[] =>
  [...place.querySelectorAll(selector)].map((element) => element.textContent);

test("a fence shows its code and its language, and stands from left to right", () => {
  const place = shown("```python\nx = 1\n\ny\n```");
  assert.deepEqual([words(place, ".nbgc-code"), words(place, ".nbgc-fence-language")], [["x = 1\n\ny"], ["python"]]);
  assert.equal(place.querySelector("pre")?.getAttribute("dir"), "ltr");
});

test("only a closed fence in a known language has colours", () => {
  const coloured = (text: string): boolean => shown(text).querySelector("[class^=nbgc-hl]") !== null;
  assert.ok(coloured("```python\nreturn 1\n```"));
  assert.ok(coloured("- ```python\n  return 1\n  ```"));
  assert.ok(coloured("> ~~~python\n> return 1\n> ~~~~"));
  for (const open of ["```python\nreturn 1", "```python\nreturn 1\n``", "~~~python\nreturn 1\n> ~~~", "> ```python\n> return 1\n\nx"]) {
    assert.ok(!coloured(open), open);
  }
  for (const unknown of ["```\nreturn 1\n```", "```cobol\nreturn 1\n```", "    return 1"]) assert.ok(!coloured(unknown), unknown);
});

test("a fence's language is text, and short", () => {
  const place = shown('```<img/src=x> "onclick=1\nx\n```');
  assert.deepEqual([words(place, ".nbgc-fence-language"), place.querySelector("img")], [["<img/src=x>"], null]);
  assert.deepEqual(words(shown(`\`\`\`${"x".repeat(500)}\nx\n\`\`\``), ".nbgc-fence-language"), ["x".repeat(24)]);
  for (const name of ["constructor", "__proto__", "a b", "../python"]) assert.equal(colours("x", name), null, name);
});

test("colours change no character of the code", () => {
  const code = 'def f(a: int) -> str:\n    """Say <b>."""\n    return f"{a!r} & {f(1)}"  # é 🦙\n';
  for (const language of ["python", "js", "sh", "json", "sql", "r", "julia", "yml"]) {
    assert.equal(colours(code, language)?.map(({ text }) => text).join(""), code, language);
  }
  const scopes = new Set(colours(code, "python")?.map(({ scope }) => scope));
  for (const scope of ["keyword", "title", "string", "comment"]) assert.ok(scopes.has(scope), scope);
});

test("a mention in code is no mention", () => {
  const place = shown("`@llama` and\n```\n@llama\n```\n    @llama\n\n[@llama](https://example.org) **@llama**");
  assert.deepEqual(words(place, ".nbgc-mention"), ["@llama"]);
});

test("the buttons give the code as it was written", async () => {
  const given: string[][] = [];
  const insert = (code: string, language: string): boolean => given.push([code, language]) < 3;
  const place = shown("text\n\n```python\na = 1\n\nb = 2\n```\n\n    c = 3\n", insert);
  place.addEventListener("click", (event) => pressed(event, { insert }));
  const button = (action: string, at: number): HTMLButtonElement =>
    place.querySelectorAll<HTMLButtonElement>(`[data-code-action=${action}]`)[at] as HTMLButtonElement;
  button("insert", 0).click();
  button("insert", 1).click();
  assert.deepEqual(given, [["a = 1\n\nb = 2", "python"], ["c = 3", ""]]);
  assert.equal(button("insert", 1).getAttribute("aria-label"), "Inserted below");

  let copied = "";
  const writeText = (text: string): Promise<void> => Promise.resolve(void (copied = text));
  Object.defineProperty(globalThis, "navigator", { value: { clipboard: { writeText } }, configurable: true });
  button("copy", 0).click();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([copied, button("copy", 0).getAttribute("aria-label")], ["a = 1\n\nb = 2", "Copied"]);
  button("insert", 1).click();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(copied, "c = 3");
  assert.match(button("insert", 1).getAttribute("aria-label") ?? "", /^Copied: /);
});

test("without something to insert into, code can only be copied", () => {
  assert.equal(shown("```\nx\n```").querySelectorAll("button").length, 1);
});
