import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { PLAIN } from "../src/protocol";
import { View } from "../src/view";
import { BEN, posted } from "./fakes";
import { READY, key, show, write } from "./shown";

test("Enter sends, Shift+Enter does not, nor does an input method's Enter", async () => {
  const shown = await show();
  const field = await write(shown, "hello");
  assert.equal(key(field, "Enter", { shiftKey: true }).defaultPrevented, false);
  key(field, "Enter", { isComposing: true });
  assert.equal(shown.hub.all("post").length, 0);
  assert.equal(key(field, "Enter").defaultPrevented, true);
  assert.equal(shown.hub.last("post").argument["text"], "hello");
  assert.equal(field.value, "");
});

test("the button sends too, and nothing is sent that is empty or too long", async () => {
  const shown = await show({ limits: { frame: 100, text: 8 } });
  const field = await write(shown, " \n ");
  const button = shown.find<HTMLButtonElement>("button.nbgc-send");
  assert.equal(button.disabled, true);
  key(field, "Enter");
  await write(shown, "12345678é");
  assert.equal(button.disabled, true);
  assert.ok(shown.find(".nbgc-size").hasAttribute("data-problem"));
  key(field, "Enter");
  assert.equal(shown.hub.all("post").length, 0);
  await write(shown, "123456é");
  button.click();
  assert.equal(shown.hub.last("post").argument["text"], "123456é");
});

test("a draft survives whatever happens meanwhile", async () => {
  const shown = await show();
  const field = await write(shown, "half a thou");
  await shown.hear(posted(1, "hi"), { type: "typing", by: BEN.id, on: true });
  shown.reader.disconnected();
  await frame();
  assert.equal(shown.find("textarea.nbgc-input"), field);
  assert.equal(field.value, "half a thou");
});

test("the composer says who will answer", async () => {
  const shown = await show();
  const to = (): string | undefined => shown.find(".nbgc-addressee").dataset["to"];
  await write(shown, "hello");
  assert.equal(to(), "everybody");
  shown.find<HTMLButtonElement>(".nbgc-ask").click();
  await frame();
  assert.equal(shown.find<HTMLTextAreaElement>(".nbgc-input").value, "@llama hello");
  assert.equal(to(), "agent");
  await shown.hear({ ...READY, state: "off" });
  assert.equal(to(), "nobody");
});

test("a draft goes over to the panel that replaces this one", async () => {
  const shown = await show();
  await write(shown, "half a thou");
  shown.view.dispose();
  const next = new View(shown.reader, { account: null, save: null, retry: () => {}, reload: () => {}, go: null, place: null });
  assert.equal(next.element.querySelector<HTMLTextAreaElement>(".nbgc-input")?.value, "half a thou");
  const other = new View(shown.reader, { account: null, save: null, retry: () => {}, reload: () => {}, go: null, place: null });
  assert.equal(other.element.querySelector<HTMLTextAreaElement>(".nbgc-input")?.value, "");
});

test("a room where nobody answers offers no mention", async () => {
  const { all } = await show({ policy: PLAIN });
  assert.deepEqual([all(".nbgc-ask").length, all(".nbgc-addressee").length, all(".nbgc-example").length], [0, 0, 0]);
});

test("a model that fell asleep answers, and one that failed tries again", async () => {
  const shown = await show();
  await write(shown, "@llama?");
  await shown.hear({ ...READY, state: "off", message: "The next question starts another." });
  assert.deepEqual([shown.find(".nbgc-addressee").dataset["to"], shown.text(".nbgc-addressee")], ["agent", ["llama will answer"]]);
  await shown.hear({ ...READY, state: "failed", message: "Out of memory." });
  assert.deepEqual([shown.find(".nbgc-addressee").dataset["to"], shown.text(".nbgc-addressee")], ["agent", ["llama will try again"]]);
});
