/**
 * Blocks of code as people see them: the language, a button that copies and, where the panel can insert code into a notebook,
 * one that does that; code is never run from here. What is pressed is found by the button's own block, so that a block can be
 * replaced at any time.
 */

import { copyText } from "./clipboard";
import { colours } from "./highlight";
import { strings } from "./strings";

export interface CodeActions {
  /** Insert code below the panel's cell and say whether that could be done; null where there is nothing to insert it into. */
  readonly insert: ((code: string, language: string) => boolean) | null;
}

type Action = "copy" | "insert";

const TOLD_MS = 2_000;

const paths: Record<Action | "done", string> = {
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z",
  insert: "M8 2.5v7M5 6.8l3 3 3-3M2.5 13h11",
  done: "M3 8.5 6.5 12 13 4.5",
};

/** Dress a purified `pre`; in it `samp` or `kbd` carries the language of a closed or an open fence. */
export function dressFence(pre: HTMLPreElement, { insert }: CodeActions): void {
  const carrier = pre.querySelector("samp, kbd");
  const code = pre.querySelector("code");
  if (code === null) return;
  const language = carrier?.textContent ?? "";
  const text = (code.textContent ?? "").replace(/\n$/, "");
  const found = carrier?.localName === "samp" ? colours(text, language) : null;
  const content = document.createElement("code");
  content.append(...(found === null ? [text] : found.map(({ scope, text }) => coloured(scope, text))));

  const block = document.createElement("div");
  block.className = "nbgc-fence";
  const head = document.createElement("div");
  head.className = "nbgc-fence-head";
  const label = document.createElement("bdi");
  label.className = "nbgc-fence-language";
  label.textContent = language;
  head.append(label, button("copy"), ...(insert === null ? [] : [button("insert")]));
  const body = document.createElement("pre");
  body.className = "nbgc-code";
  body.dir = "ltr";
  body.tabIndex = 0;
  body.setAttribute("data-lm-suppress-shortcuts", "true");
  body.append(content);
  block.append(head, body);
  pre.replaceWith(block);
}

/** Do what the pressed button says, where one was pressed. */
export function pressed(event: Event, { insert }: CodeActions): void {
  const button = (event.target as Element).closest<HTMLElement>("[data-code-action]");
  const block = button?.closest(".nbgc-fence");
  if (button === null || block == null) return;
  const code = block.querySelector(".nbgc-code")?.textContent ?? "";
  const action = button.dataset["codeAction"] as Action;
  const language = block.querySelector(".nbgc-fence-language")?.textContent ?? "";
  if (action === "insert" && insert?.(code, language) === true) tell(button, action, strings.inserted, "done");
  else void copy(button, action, code);
}

/** What cannot be inserted can still be pasted. */
async function copy(button: HTMLElement, action: Action, code: string): Promise<void> {
  const done = await copyText(code);
  tell(button, action, done ? (action === "insert" ? strings.copiedInstead : strings.copied) : strings.notCopied, done ? "done" : action);
}

function tell(button: HTMLElement, action: Action, words: string, sign: Action | "done"): void {
  label(button, words, sign);
  setTimeout(() => label(button, strings.code[action], action), TOLD_MS);
}

function button(action: Action): HTMLElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "nbgc-tool";
  made.setAttribute("data-code-action", action);
  made.setAttribute("data-lm-suppress-shortcuts", "true");
  label(made, strings.code[action], action);
  return made;
}

function label(button: HTMLElement, words: string, sign: keyof typeof paths): void {
  button.setAttribute("aria-label", words);
  button.title = words;
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  icon.setAttribute("class", "nbgc-icon");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[sign]);
  icon.append(path);
  button.replaceChildren(icon);
}

function coloured(scope: string, text: string): Node {
  if (scope === "") return document.createTextNode(text);
  const span = document.createElement("span");
  span.className = `nbgc-hl-${scope}`;
  span.textContent = text;
  return span;
}
