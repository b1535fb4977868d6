import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ATTACHED, MAX_ATTACHMENT } from "../src/attachment";
import { key, show, write, type Shown } from "./shown";

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);

/** Choose files as the browser's dialog does. */
async function choose(shown: Shown, ...files: File[]): Promise<void> {
  const picker = shown.find<HTMLInputElement>("input.nbgc-picker");
  Object.defineProperty(picker, "files", { value: files, configurable: true });
  picker.dispatchEvent(new Event("change"));
  for (const file of files) await file.arrayBuffer();
  await frame();
  await frame();
}

test("a chosen file is shown with a way to leave it out, and goes with the post", async () => {
  const shown = await show();
  assert.equal(shown.find<HTMLButtonElement>(".nbgc-send").disabled, true);
  await choose(shown, new File(["a,b"], "data.csv"), new File([PNG], "plot.png", { type: "image/png" }));
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["data.csv", "plot.png"]);
  assert.match(shown.find<HTMLImageElement>(".nbgc-chosen img").getAttribute("src") ?? "", /^blob:/);
  shown.find<HTMLButtonElement>(".nbgc-unattach").click();
  await frame();
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["plot.png"]);
  assert.equal(shown.find<HTMLButtonElement>(".nbgc-send").disabled, false);
  key(shown.find("textarea.nbgc-input"), "Enter");
  const { argument } = shown.hub.last("upload");
  assert.deepEqual([argument["name"], argument["mime"], argument["size"]], ["plot.png", "image/png", 8]);
  await shown.hub.last("upload").answer({ held: 8 });
  assert.deepEqual([shown.hub.last("post").argument["text"], shown.hub.last("post").argument["attachments"]], ["", [argument["id"]]]);
  await frame();
  assert.equal(shown.all(".nbgc-chosen").length, 0);
  assert.deepEqual(shown.text(".nbgc-pending .nbgc-files bdi"), ["plot.png"]);
});

test("text that browsers could run is sent as plain text, and what is neither text nor a picture not at all", async () => {
  const shown = await show();
  const script = "<svg onload='alert(1)'/>";
  await choose(
    shown, new File([script], "x.svg", { type: "image/svg+xml" }), new File([script], "x.html", { type: "text/html" }),
    new File([new Uint8Array([0, 1, 2])], "x.bin"), new File([new Uint8Array([0xff, 0xfe])], "y.txt"),
  );
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["x.svg", "x.html"]);
  assert.match(shown.text(".nbgc-composer [data-problem]")[0] ?? "", /y\.txt is neither a picture/);
  assert.equal(shown.all(".nbgc-chosen img").length, 0);
  await write(shown, "look");
  key(shown.find("textarea.nbgc-input"), "Enter");
  assert.equal(shown.hub.last("upload").argument["mime"], "text/plain");
});

test("too large, empty and too many files are each a sentence", async () => {
  const shown = await show();
  const problem = (): string => shown.text(".nbgc-composer [data-problem]")[0] ?? "";
  const large = new File(["x"], "large");
  Object.defineProperty(large, "size", { value: MAX_ATTACHMENT + 1 });
  await choose(shown, large);
  assert.match(problem(), /large is too large: a file may have 4 MiB/);
  await choose(shown, new File([], "empty"));
  assert.match(problem(), /empty is empty/);
  await choose(shown, ...Array.from({ length: MAX_ATTACHED + 1 }, (_, at) => new File(["x"], `${at}`)));
  assert.match(problem(), /takes 8 attachments/);
  assert.equal(shown.all(".nbgc-chosen li").length, MAX_ATTACHED);
});

test("a pasted picture is attached, a text with a picture of itself is pasted as text", async () => {
  const shown = await show();
  const field = shown.find("textarea.nbgc-input");
  const paste = (text: string): Event => {
    const event = new Event("paste", { bubbles: true, cancelable: true });
    const files = [new File([PNG], "image.png", { type: "image/png" })];
    Object.assign(event, { clipboardData: { getData: () => text, files } });
    field.dispatchEvent(event);
    return event;
  };
  assert.equal(paste("1\t2").defaultPrevented, false);
  assert.equal(paste("").defaultPrevented, true);
  await new Promise((resolve) => setImmediate(resolve));
  await frame();
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["image.png"]);
});

test("files are dropped anywhere on the panel, and other drags are left alone", async () => {
  const shown = await show();
  const drag = (type: string, types: string[]): Event => {
    const event = new Event(type, { bubbles: true, cancelable: true });
    Object.assign(event, { dataTransfer: { types, files: [new File(["x"], "dropped.txt")] } });
    shown.find(".nbgc-transcript").dispatchEvent(event);
    return event;
  };
  assert.equal(drag("dragover", ["text/plain"]).defaultPrevented, false);
  assert.equal(drag("dragover", ["Files"]).defaultPrevented, true);
  assert.ok(shown.root.hasAttribute("data-dropping"));
  assert.equal(drag("drop", ["Files"]).defaultPrevented, true);
  assert.equal(shown.root.hasAttribute("data-dropping"), false);
  await new Promise((resolve) => setImmediate(resolve));
  await frame();
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["dropped.txt"]);
});

test("what was not sent comes back with its files", async () => {
  const shown = await show();
  await choose(shown, new File(["a"], "notes.txt"));
  await write(shown, "look");
  key(shown.find("textarea.nbgc-input"), "Enter");
  await shown.hub.last("upload").answer({ error: { code: "invalid", message: "No.", retry_ms: null } });
  await frame();
  const buttons = shown.all(".nbgc-pending button").map((button) => button as HTMLButtonElement);
  buttons.find((button) => button.textContent?.trim() === "Take back")?.click();
  await frame();
  assert.equal(shown.find<HTMLTextAreaElement>("textarea.nbgc-input").value, "look");
  assert.deepEqual(shown.text(".nbgc-chosen bdi"), ["notes.txt"]);
});
