/**
 * What one does to messages in a panel: answer, edit, remove, pin, react, have a reply explained, go to one; and where the focus is
 * afterwards, which must never fall to the page around. It knows nothing of how anything looks.
 */

import { Attempts } from "./attempts";
import type { Composer } from "./composer";
import { Editor, type Origin } from "./editor";
import { ExplanationSheet } from "./explanation";
import { Picker } from "./picker";
import { Pins } from "./pins";
import { RuleForm } from "./ruleform";
import { Identification } from "./who";
import { mayEdit, newestEditable, type Tool } from "./policy";
import type { Reader } from "./reader";
import { SearchSheet } from "./search";

/** What shows the messages. */
export interface Showing {
  /** Show what there is, soon. */
  readonly changed: () => void;
  /** Show it now: where the focus moves, the next key has to find it there. */
  readonly render: () => void;
  /** Scroll to an element. */
  readonly bring: (element: HTMLElement, block: "center" | "nearest") => void;
  /** Give somebody the address of a message. */
  readonly copyLink: (id: string) => void;
}

const SHOWN_MS = 2_000;

export class Handling {
  readonly editor: Editor;
  readonly picker: Picker;
  readonly attempts: Attempts;
  readonly search: SearchSheet;
  readonly pins: Pins;
  readonly sheet: ExplanationSheet;
  readonly rules: RuleForm;
  readonly identification: Identification;

  constructor(
    private reader: Reader,
    private readonly root: HTMLElement,
    private readonly composer: Composer,
    private readonly panel: Showing,
  ) {
    const { changed } = panel;
    this.editor = new Editor({
      edit: (id, text) => this.reader.edit(id, text),
      redact: (id) => this.reader.redact(id),
      began: (form) => panel.bring(form, "nearest"),
      left: (id, from) => this.#leftEditor(id, from),
      changed,
    });
    this.attempts = new Attempts(changed);
    this.picker = new Picker({
      react: (id, emoji) => this.reader.react(id, emoji, true),
      left: (id) => this.#focusTool(id, "react"),
      changed,
    });
    const show = (id: string): void => void this.show(id);
    this.pins = new Pins({ show, unpin: (id) => this.reader.pin(id, false), changed });
    this.sheet = new ExplanationSheet({
      explain: (id) => this.reader.explain(id), show, changed, left: (id) => this.#focusTool(id, "explain"),
    });
    this.search = new SearchSheet({
      search: (text, before) => this.reader.search(text, before), show, changed,
      left: () => this.#focusHeader(".nbgc-search-open"),
      opened: () => this.openSearch(),
    });
    this.rules = new RuleForm({
      set: (change) => this.reader.setPolicy(change), changed, left: () => this.#focusHeader(".nbgc-rules-open"),
    });
    this.identification = new Identification({
      who: (member) => this.reader.who(member), changed, left: (id) => this.#focusTool(id, "who"),
    });
  }

  /** From now on do it with another reader of the same room. */
  follow(reader: Reader): void {
    this.reader = reader;
  }

  use(tool: Tool, id: string): void {
    if (tool === "edit") this.#edit(id, "edit");
    else if (tool === "remove") this.editor.remove(id);
    else if (tool === "reply") this.#answer(id);
    else if (tool === "again") this.reader.regenerate(id);
    else if (tool === "go_on") this.reader.resumeReply(id);
    else if (tool === "react") this.picker.toggle(id);
    else if (tool === "explain") this.#explain(id);
    else if (tool === "who") this.#identify(id);
    else if (tool === "link") this.panel.copyLink(id);
    else this.reader.pin(id, tool === "pin");
    this.panel.render();
  }

  /** Set what the room allows; there is room for one sheet. */
  openRules(): void {
    this.sheet.close();
    this.search.close();
    this.rules.open();
    this.panel.render();
  }

  /** Edit one's own newest message. Says whether there is one. */
  editNewest(): boolean {
    const message = newestEditable(this.reader.snapshot.room, this.#you);
    if (message === null) return false;
    this.#edit(message.id, "composer");
    this.panel.render();
    return true;
  }

  /** Give up what the server did not take; its text can be written on, where one can still do that. */
  takeBack(cid: string): void {
    const { outbox, snapshot } = this.reader;
    const change = outbox.pending.find((one) => one.cid === cid);
    const message = change?.method === "edit" ? snapshot.room.messages.get(change.id) : undefined;
    const files = change?.method === "post" ? (change.files ?? []) : [];
    const text = outbox.discard(cid);
    if (change?.method === "post" && change.reply_to != null) this.#answer(change.reply_to);
    if (files.length > 0) this.composer.attaching.restore(files);
    if (message !== undefined && mayEdit(message, this.#you)) this.editor.edit(message.id, text, snapshot.textLimit);
    else if (text !== "") this.composer.insert(text);
  }

  /** Go to a message, which may have to be fetched. Says whether it is there. */
  async show(id: string): Promise<boolean> {
    if (!(await this.reader.find(id))) return false;
    if (!this.root.isConnected) return true;
    this.attempts.reveal([...this.reader.snapshot.room.messages.values()], id);
    if (this.#sheetCovers()) {
      this.sheet.close();
      this.search.close();
      this.rules.close();
    }
    this.panel.render();
    const message = this.#articleWith(id);
    if (message === null) return false;
    this.panel.bring(message, "center");
    message.focus({ preventScroll: true });
    message.setAttribute("data-shown", "");
    setTimeout(() => message.removeAttribute("data-shown"), SHOWN_MS);
    return true;
  }

  get #you(): string | null {
    return this.reader.snapshot.you?.id ?? null;
  }

  /** What is written next answers this message, as long as it is there. */
  #answer(id: string): void {
    if (this.reader.snapshot.room.messages.get(id)?.redacted === true) return;
    this.composer.answering.begin(id);
    this.composer.focus();
  }

  #explain(id: string): void {
    this.search.close();
    this.rules.close();
    this.sheet.open(id);
  }

  /** Open the search. */
  openSearch(): void {
    this.sheet.close();
    this.rules.close();
    this.search.open();
    this.panel.render();
  }

  #identify(id: string): void {
    const message = this.reader.snapshot.room.messages.get(id);
    if (message !== undefined) this.identification.open(id, message.by, message.name);
  }

  /** Focus the button in the header that opened what is closed now. */
  #focusHeader(button: string): void {
    this.panel.render();
    this.root.querySelector<HTMLElement>(button)?.focus();
  }

  #edit(id: string, from: Origin): void {
    const { room, changes, textLimit } = this.reader.snapshot;
    const change = changes.get(id);
    const text = change?.method === "edit" ? change.text : room.messages.get(id)?.text;
    if (text !== undefined) this.editor.edit(id, text, textLimit, from);
  }

  #leftEditor(id: string, from: Origin): void {
    if (from !== "composer") return this.#focusTool(id, from);
    this.composer.focus();
    this.panel.render();
  }

  /** Focus a button of a message, or the message where it has no such button any more. */
  #focusTool(id: string, tool: Tool): void {
    this.panel.render();
    const message = this.#article(id);
    (message?.querySelector<HTMLElement>(`[data-tool="${tool}"]`) ?? message)?.focus();
  }

  #article(id: string): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(id)}"]`);
  }

  /** A reply that is gone on with stands where the last part of it does. */
  #articleWith(id: string): HTMLElement | null {
    const { messages } = this.reader.snapshot.room;
    let last = messages.get(id);
    for (const message of messages.values()) if (message.continues === last?.id && message.continues !== null) last = message;
    return this.#article(last?.id ?? id);
  }

  /** In a narrow panel the sheet lies over the messages. */
  #sheetCovers(): boolean {
    const sheet = this.root.querySelector<HTMLElement>(".nbgc-sheet");
    const middle = sheet?.parentElement;
    return sheet !== null && middle != null && sheet.offsetWidth >= middle.offsetWidth;
  }
}
