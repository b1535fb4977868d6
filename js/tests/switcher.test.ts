import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { posted } from "./fakes";
import { key, show, type Shown } from "./shown";

const ROOMS = {
  rooms: [
    { name: "lobby", epoch: "e1", seq: 5, ts: 1_760_000_000_000, members: 3 },
    { name: "attic", epoch: "e2", seq: 0, ts: 0, members: 1 },
  ],
  more: true,
};

async function open(): Promise<{ shown: Shown; gone: string[] }> {
  const gone: string[] = [];
  const shown = await show({}, null, { go: (room) => gone.push(room) });
  shown.find<HTMLButtonElement>(".nbgc-switch").click();
  await frame();
  return { shown, gone };
}

test("the room's name opens the rooms there are, and each leads there", async () => {
  const { shown, gone } = await open();
  assert.equal(shown.find(".nbgc-switch").getAttribute("aria-expanded"), "true");
  assert.equal(document.activeElement, shown.find(".nbgc-room-name"));
  await shown.hub.last("rooms").answer(ROOMS);
  await frame();
  assert.deepEqual(shown.hub.last("rooms").argument, { room: "lobby" });
  assert.deepEqual(shown.text(".nbgc-room-title"), ["lobby", "attic"]);
  assert.equal(shown.find('[data-to-room="lobby"]').getAttribute("aria-current"), "true");
  assert.match(shown.text(".nbgc-room-about")[1] ?? "", /^1 member there now$/);
  assert.match(shown.find(".nbgc-rooms-body").textContent ?? "", /There are more rooms/);
  shown.find('[data-to-room="attic"]').click();
  await frame();
  assert.deepEqual([gone, shown.all(".nbgc-rooms").length], [["attic"], 0]);
});

test("any name that a room can have leads to it, and another is told the rule", async () => {
  const { shown, gone } = await open();
  const field = shown.find<HTMLInputElement>(".nbgc-room-name");
  const submit = async (name: string): Promise<void> => {
    field.value = name;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    shown.find(".nbgc-rooms form").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await frame();
  };
  await submit("no room");
  assert.deepEqual([gone, field.getAttribute("aria-invalid")], [[], "true"]);
  assert.match(shown.find('.nbgc-rooms [role="alert"]').textContent ?? "", /1 to 64 letters/);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await frame();
  assert.equal(field.hasAttribute("aria-invalid"), false);
  await submit("  ");
  assert.deepEqual(gone, []);
  await submit("#week-3 ");
  assert.deepEqual(gone, ["week-3"]);
});

test("Escape closes it, and one is back at its button", async () => {
  const { shown, gone } = await open();
  key(shown.find(".nbgc-room-name"), "Escape");
  await frame();
  assert.deepEqual([shown.all(".nbgc-rooms").length, gone], [0, []]);
  assert.equal(document.activeElement, shown.find(".nbgc-switch"));
});

test("a server that does not say which rooms there are leaves the field", async () => {
  const { shown } = await open();
  await shown.hub.last("rooms").answer({ error: { code: "unknown_method", message: "The hub has no such method.", retry_ms: null } });
  await frame();
  assert.match(shown.find(".nbgc-rooms-body").textContent ?? "", /did not say/);
  assert.equal(shown.all(".nbgc-room-name").length, 1);
});

test("where there is no way to another room, the name is only a name", async () => {
  const shown = await show();
  assert.deepEqual([shown.all(".nbgc-switch").length, shown.text(".nbgc-title")], [0, ["lobby"]]);
});

test("whatever can take the focus here keeps JupyterLab's shortcuts away", async () => {
  const shown = await show({}, null, { go: () => {}, place: { address: (id) => `#${id}`, elsewhere: false } });
  await shown.hear(posted(1, "hi"));
  shown.find<HTMLButtonElement>(".nbgc-switch").click();
  await shown.hub.last("rooms").answer(ROOMS);
  await frame();
  const all = shown.all("button, input, textarea, a, [tabindex]");
  assert.ok(all.some((one) => one.matches("a")) && all.some((one) => one.matches(".nbgc-room")));
  for (const element of all) assert.ok(element.hasAttribute("data-lm-suppress-shortcuts"), element.outerHTML);
});
