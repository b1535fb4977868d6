import assert from "node:assert/strict";
import { test } from "node:test";
import { german } from "../src/german";
import { choose, written } from "../src/language";
import { notice, strings, type Strings } from "../src/strings";

test("the first language of the browser's that the panel speaks is chosen, with its own tag", () => {
  assert.deepEqual(choose(["de-AT", "en"]), { language: "de", locale: "de-AT" });
  assert.deepEqual(choose(["fr", "en-US", "de"]), { language: "en", locale: "en-US" });
  assert.deepEqual(choose(["EN"]), { language: "en", locale: "en" });
});

test("English is for who reads neither, with a clock of 24 hours, and for who says nothing", () => {
  assert.deepEqual(choose(["fr-FR", "nl"]), { language: "en", locale: "en-GB" });
  assert.deepEqual(choose([]), { language: "en", locale: "en" });
  assert.deepEqual(choose(["de-!!"]), { language: "de", locale: "de" });
});

type Leaves = readonly [path: string, value: unknown][];

function leaves(table: object, path = ""): Leaves {
  return Object.entries(table).flatMap(([key, value]) =>
    typeof value === "object" && value !== null ? leaves(value as object, `${path}${key}.`) : [[`${path}${key}`, value] as const],
  ) as Leaves;
}

/** Sentences of any table, said about something. */
const said = (table: Strings): string[] => [
  table.waiting(1), table.waiting(2), table.newer(0), table.newer(1), table.newer(1234), table.before(1), table.before(2),
  table.leftOut(1), table.leftOut(3), table.typing(["Ana"]), table.typing(["Ana", "Ben"]), table.typing(["a", "b", "c"]),
  table.removed("human"), table.notSent(null), table.notSent("No."), table.present(0), table.present(1),
  table.notDone("edit", null), table.unpinLabel(null), table.unpinLabel("Ana"), table.announceRemoved("llama", "agent"),
];

test("every sentence is there in both languages, and another one", () => {
  const [english, other] = [leaves(strings), leaves(german)];
  assert.deepEqual(other.map(([path]) => path), english.map(([path]) => path));
  for (const [index, [path, value]] of english.entries()) assert.equal(typeof other[index]?.[1], typeof value, path);
  for (const table of [strings, german]) {
    for (const sentence of said(table)) assert.doesNotMatch(sentence, /undefined|null|NaN/);
    assert.equal(new Set(said(table)).size, said(table).length);
  }
  for (const [index, sentence] of said(strings).entries()) assert.notEqual(said(german)[index], sentence);
});

test("one and many are told apart", () => {
  assert.deepEqual([strings.newer(1), strings.newer(2), strings.newer(1234)], ["1 new message", "2 new messages", "1,234 new messages"]);
  assert.deepEqual([german.newer(1), german.newer(2)], ["1 neue Nachricht", "2 neue Nachrichten"]);
  assert.deepEqual([german.waiting(1), german.waiting(2)], ["1 Nachricht wartet", "2 Nachrichten warten"]);
});

test("a problem is told in the server's words where it has some, with what one can do", () => {
  assert.equal(notice({ kind: "version", message: null }).action, "reload");
  assert.equal(notice({ kind: "version", message: "Reload." }).text, "Reload.");
  assert.equal(notice({ kind: "no_room", message: null }).action, null);
});

test("a day has its year where that is another", () => {
  const [then, now] = [Date.UTC(2024, 2, 5, 12), Date.UTC(2025, 2, 5, 12)];
  assert.match(written.day(then, now), /2024/);
  assert.doesNotMatch(written.day(now, now), /2025/);
});
