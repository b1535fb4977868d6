import { sheet } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, destination } from "../src/link";
import { Markdown } from "../src/markdown";

function shown(text: string): HTMLElement {
  const place = sheet();
  new Markdown(place).show(text, { mention: null, asks: false, insert: null });
  return place;
}

test("only absolute addresses of the web and of mail are links", () => {
  for (const href of ["http://example.org", "https://example.org/a?b#c", "HTTPS://EXAMPLE.ORG", "mailto:ana@example.org"]) {
    assert.ok(address(href), href);
  }
  for (const href of [
    "", "/lab", "lab", "//example.org", "#id", "?q", "javascript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,x", "vbscript:x", "file:///etc/passwd", "command:x", "ftp://example.org", "blob:https://example.org/x",
    "http:example.org", "https:///", "https://", "mailto:", "view-source:https://example.org", "\u0001https://example.org",
  ]) {
    assert.equal(address(href), null, href);
  }
});

test("a link says where it goes where its text does not", () => {
  const place = (href: string, text: string): string | null => destination(new URL(href), text);
  assert.equal(place("https://example.org/a", "https://example.org/a"), null);
  assert.equal(place("https://example.org/a", "example.org"), null);
  assert.equal(place("https://example.org/a", "example.org.evil.com"), "example.org");
  assert.equal(place("https://evil.com", "https://example.org"), "evil.com");
  assert.equal(place("https://evil.com:8080/example.org", "here"), "evil.com:8080");
  assert.equal(place("https://example.org@evil.com/", "https://example.org@evil.com/"), "evil.com");
  assert.equal(place("https://evil.com@example.org/", "example.org"), "example.org");
  assert.equal(place("https://ex\u0430mple.org/", "https://ex\u0430mple.org/"), "xn--exmple-4nf.org");
  assert.equal(place("mailto:ana@example.org", "ana@example.org"), null);
  assert.equal(place("mailto:eve@example.org", "Ana"), "eve@example.org");
});

test("a link opens elsewhere, knows nothing of this page, and leaves the notebook's keys alone", () => {
  const place = shown("[here](https://example.org/a \"a title\")");
  const link = place.querySelector("a");
  assert.deepEqual(Object.fromEntries([...(link?.attributes ?? [])].map(({ name, value }) => [name, value])), {
    href: "https://example.org/a", target: "_blank", rel: "noopener noreferrer", "data-lm-suppress-shortcuts": "true",
  });
  assert.deepEqual([link?.textContent, place.textContent], ["here", "here example.org"]);
});

test("what may be no link stays as it was written", () => {
  for (const text of ["[x](javascript:alert(1))", "[x](/lab)", "![x](data:image/png;base64,AA)", "<javascript:alert(1)>"]) {
    const place = shown(text);
    assert.deepEqual([place.querySelector("a"), place.textContent], [null, text]);
  }
});

test("a picture is a link to it, also in a link, and is not loaded", () => {
  const place = shown("![a *cat*](https://example.org/cat.png)");
  assert.deepEqual([place.querySelector("img"), place.querySelector("a")?.href], [null, "https://example.org/cat.png"]);
  assert.equal(place.textContent, "Picture: a cat example.org");
  const badge = shown("[![badge](https://example.org/b.svg)](https://example.com)");
  assert.deepEqual([...badge.querySelectorAll("a")].map((link) => link.href), ["https://example.com/"]);
  assert.equal(badge.textContent, "Picture: badge example.com");
});

test("a bare address is a link, a bare name of a host is none", () => {
  const place = shown("see https://example.org/a, example.org, ana@example.org and //example.org");
  assert.deepEqual([...place.querySelectorAll("a")].map((link) => link.href), ["https://example.org/a"]);
});
