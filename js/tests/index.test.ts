import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import panelWidget from "../src/index";

type Widget = ReturnType<typeof panelWidget>;
type InitializeArguments = Parameters<Widget["initialize"]>[0];
type RenderArguments = Parameters<Widget["render"]>[0];

/** A widget's model, as far as the panel uses it. The page has no server, so nothing is dialled. */
class FakeModel {
  saved = 0;
  readonly widget_manager = { context: { save: () => (this.saved += 1) } };
  readonly sent: object[] = [];
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(private traits: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  set(name: string, value: unknown): void {
    this.traits[name] = value;
    for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
  }

  on(name: string, listener: () => void): void {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }

  off(name: string, listener: () => void): void {
    this.#listeners.get(name)?.delete(listener);
  }

  send(message: object): void {
    this.sent.push(message);
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((count, some) => count + some.size, 0);
  }
}

function rendered(hasKernel = true): { model: FakeModel; el: HTMLElement; end: AbortController; close: () => void; root: () => HTMLElement } {
  const model = new FakeModel({ room: "lobby", height: 300 });
  const el = document.createElement("div");
  const end = new AbortController();
  const widget = panelWidget();
  if (hasKernel) widget.initialize({ model } as unknown as InitializeArguments);
  const close = widget.render({ model, el, signal: end.signal } as unknown as RenderArguments);
  const root = (): HTMLElement => {
    const found = el.querySelector<HTMLElement>(".nbgroupchat");
    assert.ok(found);
    return found;
  };
  return { model, el, end, close, root };
}

test("it shows the model's room, as high as the model says", () => {
  const { model, root } = rendered();
  assert.deepEqual([root().dataset["room"], root().style.height], ["lobby", "300px"]);
  model.set("height", 500);
  assert.equal(root().style.height, "500px");
});

test("another room replaces the panel", () => {
  const { model, el, root } = rendered();
  model.set("room", "attic");
  assert.equal(root().dataset["room"], "attic");
  assert.equal(el.children.length, 1);
});

test("the end of a view leaves nothing behind, and may come twice", () => {
  const { model, el, end, close } = rendered(false);
  end.abort();
  close();
  assert.deepEqual([el.children.length, model.listeners], [0, 0]);
});

test("views of one model do not know of each other", () => {
  const first = rendered();
  const second = rendered();
  first.end.abort();
  assert.equal(second.el.children.length, 1);
});

test("a page without a Jupyter server speaks through the kernel", async () => {
  const { model, root, end } = rendered();
  await frame();
  assert.deepEqual([root().dataset["state"], root().dataset["relay"]], ["connecting", "open"]);
  assert.deepEqual(model.sent.map((message) => (message as { relay?: unknown }).relay), ["open"]);
  end.abort();
});

test("a page without a Jupyter server and without a kernel says so", () => {
  const { root } = rendered(false);
  assert.equal(root().dataset["state"], "unreachable");
  assert.ok(root().querySelector('.nbgc-notice[data-problem="no_server"]'));
});

test("Ctrl+S saves through the widget's manager", () => {
  const { model, root } = rendered();
  root().dispatchEvent(new KeyboardEvent("keydown", { key: "s", ctrlKey: true, bubbles: true, cancelable: true }));
  assert.equal(model.saved, 1);
});
