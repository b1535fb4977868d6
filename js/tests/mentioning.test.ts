import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { completed, matching, mentionable, queryAt, type Mentionable } from "../src/mentioning";
import { mentions } from "../src/text";
import { ANA, BEN, LLAMA, posted } from "./fakes";
import { key, show, write } from "./shown";

const people = (...names: string[]): Mentionable[] => names.map((name) => ({ id: name, name, kind: "human" }));
const names = (found: readonly Mentionable[]): string[] => found.map(({ name }) => name);

test("an @ that begins a mention is found up to the caret, and no other is", () => {
  assert.deepEqual(queryAt("hi @ll", 6), { at: 3, query: "ll" });
  assert.deepEqual(queryAt("@", 1), { at: 0, query: "" });
  assert.deepEqual(queryAt("(@Ana Sá", 8), { at: 1, query: "Ana Sá" });
  assert.deepEqual(queryAt("@llama and", 3), { at: 0, query: "ll" });
  for (const text of ["bob@exa", "a/@b", "@@a", "@a\nb", "`@a", `@${"x".repeat(65)}`, "none"]) assert.equal(queryAt(text, text.length), null, text);
});

test("names that begin so come before those with a later part that does, without marks and case", () => {
  const all = people("llama", "Ana Sánchez", "Ben", "Sandra");
  assert.deepEqual(names(matching(all, "sa")), ["Sandra", "Ana Sánchez"]);
  assert.deepEqual(names(matching(all, "ANA s")), ["Ana Sánchez"]);
  assert.deepEqual(names(matching(all, "")), ["llama", "Ana Sánchez", "Ben", "Sandra"]);
  assert.deepEqual(matching(all, "llama what"), []);
});

test("nothing is offered where the only name stands there already, so that Enter sends", () => {
  assert.deepEqual(matching(people("llama", "Ben"), "Llama"), []);
  assert.deepEqual(names(matching(people("llama", "llama-2"), "llama")), ["llama", "llama-2"]);
});

test("whatever is completed is a mention to the server", () => {
  for (const name of ["llama", "Ana Sánchez", "李 小龍", "o'Brien (TA)", "a.b", "x@y", "-", "R2-D2"]) {
    for (const [text, caret] of [["@", 1], ["so, @x!", 6], ["(@", 2], ["a\n@  b", 3]] as const) {
      const query = queryAt(text, caret);
      assert.ok(query);
      const done = completed(text, caret, query, name);
      if (done !== null) assert.ok(mentions(done.text, `@${name}`), `${name} in ${done.text}`);
      else assert.ok(!mentions(`@${name} `, `@${name}`), name);
    }
  }
});

test("a mention ends with one space, and the caret stands behind it", () => {
  assert.deepEqual(completed("hi @a", 5, { at: 3, query: "a" }, "Ana B"), { text: "hi @Ana B ", caret: 10 });
  assert.deepEqual(completed("hi @a there", 5, { at: 3, query: "a" }, "Ana"), { text: "hi @Ana there", caret: 8 });
});

test("nothing is completed in code", () => {
  const text = "```\n@l";
  assert.equal(completed(text, text.length, { at: 4, query: "l" }, "llama"), null);
});

test("the agent, who is here and who has spoken can be mentioned, but not oneself", async () => {
  const { reader, hear } = await show();
  await hear(posted(1, "bye", { by: "m9", name: "Cem" }), posted(2, "hi", { by: ANA.id, name: ANA.name }));
  assert.deepEqual(names(mentionable(reader.snapshot)), [LLAMA.name, BEN.name, "Cem"]);
});

test("one chooses with the arrow keys, and Enter takes the name without sending", async () => {
  const shown = await show();
  const field = await write(shown, "@");
  const options = (): unknown[] => shown.all("[role=option]").map((one) => [one.getAttribute("data-name"), one.getAttribute("aria-selected")]);
  assert.deepEqual(options(), [["llama", "true"], ["Ben", "false"]]);
  assert.equal(field.getAttribute("aria-controls"), shown.find("[role=listbox]").id);
  assert.match(shown.find(".nbgc-announcer").textContent ?? "", /^2 names\./);
  assert.equal(key(field, "ArrowDown").defaultPrevented, true);
  await frame();
  assert.deepEqual(options(), [["llama", "false"], ["Ben", "true"]]);
  assert.equal(field.getAttribute("aria-activedescendant"), shown.find('[aria-selected="true"]').id);
  key(field, "ArrowDown");
  key(field, "ArrowUp");
  key(field, "Enter");
  await frame();
  assert.deepEqual([field.value, shown.all("[role=option]").length, shown.hub.all("post").length], ["@Ben ", 0, 0]);
  assert.equal(field.hasAttribute("aria-activedescendant"), false);
});

test("Tab takes too, a press as well, and Escape closes without stopping anything", async () => {
  const shown = await show();
  const field = await write(shown, "@ll");
  assert.equal(key(field, "Tab").defaultPrevented, true);
  assert.equal(field.value, "@llama ");
  await write(shown, "@b");
  shown.find("[role=option]").click();
  assert.equal(field.value, "@Ben ");
  await write(shown, "@b");
  key(field, "Escape");
  await frame();
  assert.deepEqual([shown.all("[role=option]").length, shown.hub.all("cancel").length], [0, 0]);
  await write(shown, "@be");
  assert.equal(shown.all("[role=option]").length, 0);
  assert.equal(key(field, "Tab").defaultPrevented, false);
  await write(shown, "@be and @l");
  assert.equal(shown.all("[role=option]").length, 1);
});

test("what one did not want completed in one message is offered in the next", async () => {
  const shown = await show();
  const field = await write(shown, "@");
  key(field, "Escape");
  key(field, "Enter");
  await write(shown, "@");
  assert.equal(shown.all("[role=option]").length, 2);
});

test("keys of an input method are not the list's", async () => {
  const shown = await show();
  const field = await write(shown, "@");
  key(field, "Enter", { isComposing: true });
  assert.equal(field.value, "@");
});
