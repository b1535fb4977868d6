import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { posted, redacted } from "./fakes";
import { key, show, type Shown } from "./shown";

async function picking(): Promise<Shown> {
  const shown = await show();
  await shown.hear(posted(1, "done"));
  shown.find<HTMLButtonElement>('[data-tool="react"]').click();
  await frame();
  return shown;
}

const typed = async (shown: Shown, text: string): Promise<void> => {
  shown.find<HTMLInputElement>(".nbgc-other-input").value = text;
  shown.find<HTMLFormElement>(".nbgc-other").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await frame();
};

test("common emoji are a key away, and the focus goes back to where it came from", async () => {
  const shown = await picking();
  const choices = shown.all("[data-choice]") as HTMLButtonElement[];
  assert.equal(choices.length, 8);
  assert.equal(document.activeElement, choices[0]);
  assert.equal(key(choices[0] as Element, "ArrowRight").defaultPrevented, true);
  assert.equal(document.activeElement, choices[1]);
  choices[1]?.click();
  await frame();
  assert.deepEqual(shown.hub.last("react").argument, { room: "lobby", id: "e1", emoji: "❤️", on: true });
  assert.equal(shown.all(".nbgc-emojis").length, 0);
  assert.equal(document.activeElement, shown.find('[data-tool="react"]'));
});

test("any other emoji can be typed, and a word cannot", async () => {
  const shown = await picking();
  await typed(shown, "ok");
  assert.deepEqual(shown.text(".nbgc-emojis-note"), ["Type one emoji."]);
  await typed(shown, "🦙🦙");
  assert.equal(shown.hub.all("react").length, 0);
  await typed(shown, " 👩🏽‍💻 ");
  assert.deepEqual(shown.hub.last("react").argument, { room: "lobby", id: "e1", emoji: "👩🏽‍💻", on: true });
  assert.equal(shown.all(".nbgc-emojis").length, 0);
});

test("Escape, the button again and a redaction end it", async () => {
  const shown = await picking();
  key(shown.find(".nbgc-other-input"), "Escape");
  await frame();
  assert.equal(shown.all(".nbgc-emojis").length, 0);
  assert.equal(document.activeElement, shown.find('[data-tool="react"]'));
  for (let times = 0; times < 2; times += 1) {
    shown.find<HTMLButtonElement>('[data-tool="react"]').click();
    await frame();
    assert.equal(shown.all(".nbgc-emojis").length, 1 - times);
  }
  shown.find<HTMLButtonElement>('[data-tool="react"]').click();
  await shown.hear(redacted(2, "e1"));
  assert.equal(shown.all(".nbgc-emojis").length, 0);
});
