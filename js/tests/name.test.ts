import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { show } from "./shown";

test("the own name can be changed where the server allows it", async () => {
  const renamed: string[] = [];
  const account = {
    mayRename: () => Promise.resolve(true),
    rename: (name: string) => Promise.resolve(renamed.push(name) > 0),
  };
  const shown = await show({}, account);
  await frame();
  shown.find<HTMLButtonElement>(".nbgc-name-change").click();
  await frame();
  const field = shown.find<HTMLInputElement>(".nbgc-name input.nbgc-name-input");
  field.value = "  Ana  ";
  field.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await frame();
  await frame();
  assert.deepEqual([renamed, shown.all(".nbgc-name-input").length], [["Ana"], 0]);
});

test("the own name is only shown where the server does not let one change it", async () => {
  const { all, text } = await show({}, { mayRename: () => Promise.resolve(false), rename: () => Promise.resolve(false) });
  await frame();
  assert.deepEqual([all(".nbgc-name").length, text(".nbgc-you")], [0, ["You are Ana"]]);
});
