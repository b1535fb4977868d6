/**
 * The panel in a page, as DOM: renders a reader's snapshot and turns what people do into calls of the reader. It knows
 * nothing of connections or of the notebook around it.
 *
 * Hooks that tests and style sheets may rely on:
 * - root `.nbgroupchat[data-room][data-state][data-relay]`, the state being connecting, live, reconnecting, unreachable or
 *   refused, the relay none, open or waiting; `.nbgc-relay` while it waits, `.nbgc-through` where there is one;
 * - `article[data-message-id][data-kind][data-status]`, the status being posted, open, complete, stopped, interrupted,
 *   failed or length; in it `.nbgc-waiting` and `button.nbgc-withdraw` while a question waits, `.nbgc-author`, `.nbgc-text`, and `.nbgc-stop` while it is open; `[data-own]` on one's own;
 * - the same `article` has `[data-pinned]`, `[data-redacted]` with `.nbgc-removed` in place of `.nbgc-text`, `.nbgc-text[data-edited]`,
 *   `[data-changing]` while a change is on its way, and `.nbgc-tools button[data-tool]` (reply, react, again, go_on, explain, edit, pin, unpin, remove or who);
 * - in `.nbgc-text` its Markdown: `.nbgc-fence` with `.nbgc-fence-language`, `pre.nbgc-code` and `button[data-code-action]` (copy,
 *   insert), `.nbgc-table`, `.nbgc-formula`, `.nbgc-task`, `.nbgc-host`, `bdi.nbgc-mention`; before it `details.nbgc-thought`;
 * - `.nbgc-reactions button[data-emoji][aria-pressed]`, `.nbgc-emojis button[data-choice]`, `input.nbgc-other-input`;
 * - `.nbgc-attempts button[data-attempt]` (earlier or later) where there are several replies to one question, of which one is shown;
 *   `.nbgc-unheard` on what the agent has not read for a reply yet;
 * - `form.nbgc-editor textarea.nbgc-editor-input`, `.nbgc-removal button.nbgc-remove`;
 * - `.nbgc-pins button[data-pinned-id]`, `button.nbgc-unpin`, `button.nbgc-pins-toggle[aria-expanded]`;
 * - `.nbgc-sheet[data-explains]` with `button[data-read-id]` and `button.nbgc-close`;
 * - `.nbgc-rules [data-rule]`, `button.nbgc-rules-open`, `.nbgc-ruleform` with its named fields, `.nbgc-who`;
 * - `article[data-cid][data-pending]` for posts not acknowledged yet (waiting or failed);
 * - `.nbgc-answering[data-answers] button.nbgc-unanswer` while what is written answers a message;
 * - `button.nbgc-search-open`, `.nbgc-search` with `input.nbgc-search-input`, `button[data-hit-id]` and `button.nbgc-search-older`;
 * - `textarea.nbgc-input`, `button.nbgc-send`, `.nbgc-addressee[data-to]` (everybody, agent or nobody), `button.nbgc-ask`;
 * - `.nbgc-members [data-member-id]`, `.nbgc-more` with how many of them are out of sight, `.nbgc-typing`, `.nbgc-model[data-model-state]`, `.nbgc-notice[data-problem]`;
 * - `.nbgc-you`, `.nbgc-name` with `button.nbgc-name-change` or, after it, `input.nbgc-name-input`;
 * - `button.nbgc-attach`, `input.nbgc-picker`, `button.nbgc-attach-cell`, `.nbgc-cells button`, `.nbgc-chosen button.nbgc-unattach`;
 *   in a message `.nbgc-files [data-attachment]` with `.nbgc-picture img` or `details.nbgc-file`, and `button.nbgc-save`;
 * - `button.nbgc-earlier`, `button.nbgc-newer`, `.nbgc-announcer`, `.nbgc-unread` above the first message that was new;
 * - `.nbgc-mentionable [role=option][data-name]` while one mentions somebody, one of them `[aria-selected=true]`;
 * - `button.nbgc-switch[aria-expanded]`, `.nbgc-rooms` with `input.nbgc-room-name` and `button[data-to-room]`;
 * - `a.nbgc-when` around a message's time, `.nbgc-remark`, `.nbgc-wait[data-wait]` (door or server).
 */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { Attaching } from "./attaching";
import { announcement } from "./announcer";
import { copyText } from "./clipboard";
import { Composer } from "./composer";
import { Crowd } from "./crowd";
import type { CodeActions } from "./fence";
import { Files } from "./files";
import { Follower } from "./follower";
import { Handling } from "./handling";
import { headerTemplate, modelTemplate, relayTemplate } from "./header";
import { language } from "./language";
import { mentionable } from "./mentioning";
import type { Place } from "./message";
import { NameControl, type Account } from "./name";
import { noticeTemplate, waitTemplate, type NoticeActions } from "./notice";
import type { Notebook } from "./notebook";
import type { Reader } from "./reader";
import { Remark } from "./remark";
import { stoppable } from "./request";
import { Rover } from "./rover";
import { rulesTemplate } from "./rules";
import { Sight } from "./sight";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";
import { Switcher } from "./switcher";
import { transcriptTemplate, type TranscriptActions } from "./transcript";
import { Unread, bookmarks } from "./unread";

export interface Surface extends NoticeActions {
  /** Null where the name cannot be changed from this page. */
  readonly account: Account | null;
  /** Save the notebook: the panel keeps the keys from reaching it. Null where there is none. */
  readonly save: (() => void) | null;
  /** Go to another room; null where there is none. */
  readonly go?: ((room: string) => void) | null;
  /** Where messages are found on a page; null where this page knows no address. */
  readonly place?: Place | null;
  /** Where the server has an attachment; left out where this page does not reach it. */
  readonly attachment?: ((room: string, id: string) => string) | undefined;
  /** Left out where there is none around the panel, or none that can be reached. */
  readonly notebook?: Notebook | undefined;
}

const DRAGS = ["dragover", "dragleave", "drop"] as const;

/** A hidden page gets no animation frames. */
const FRAME_MS = 100;

/** What the width of the header's parts depends on. */
function headerChanged(before: Snapshot, after: Snapshot): boolean {
  return before.room.members !== after.room.members || before.room.status !== after.room.status ||
    before.link !== after.link || before.relay !== after.relay || before.you !== after.you ||
    before.pending.length !== after.pending.length;
}

export class View {
  readonly element: HTMLElement = document.createElement("div");
  readonly #composer: Composer;
  readonly #attaching: Attaching;
  readonly #files: Files;
  readonly #code: CodeActions;
  readonly #name: NameControl;
  readonly #handling: Handling;
  readonly #rover: Rover;
  #unsubscribe: () => void;
  #follower: Follower | null = null;
  #crowd: Crowd | null = null;
  #shown: Snapshot;
  #unread = 0;
  #cancelFrame: (() => void) | null = null;
  #gone = false;
  readonly #sight: Sight;
  readonly #unseen = new Unread(bookmarks());
  readonly #remark = new Remark(() => this.#invalidate());
  readonly #switcher: Switcher;
  #firstNew: string | null = null;
  /** The message to go to once the room is there. */
  #wanted: string | null = null;

  constructor(
    private reader: Reader,
    private readonly surface: Surface,
  ) {
    const { notebook } = surface;
    this.#code = { insert: notebook === undefined ? null : (code) => notebook.insertBelow(this.element, code) };
    this.element.className = "nbgroupchat";
    this.element.lang = language;
    this.element.dataset["room"] = reader.name;
    // JupyterLab's own context menu has nothing to offer here; the browser's can copy.
    this.element.dataset["jpSuppressContextMenu"] = "true";
    this.element.addEventListener("keydown", this.#keydown);
    for (const event of DRAGS) this.element.addEventListener(event, this.#drag);
    this.#attaching = new Attaching(surface.notebook ?? null, () => this.#invalidate(), () => this.#composer.focus());
    this.#files = new Files({
      url: (id) => (this.reader.snapshot.relay === "none" ? (surface.attachment?.(this.reader.name, id) ?? null) : null),
      download: (id) => this.reader.download(id),
    });
    this.#composer = new Composer({
      post: (text, reply_to) => this.#post(text, reply_to),
      wrote: () => this.reader.typist.wrote(),
      stopped: () => this.reader.typist.stopped(),
      escape: () => this.#stopOwn(),
      editNewest: () => this.#handling.editNewest(),
      mentionable: () => mentionable(this.reader.snapshot),
      announce: (sentence) => this.#announce(sentence),
      changed: () => this.#drafted(),
    }, this.#attaching);
    this.#name = new NameControl(surface.account, () => this.#invalidate());
    this.#handling = new Handling(reader, this.element, this.#composer, {
      changed: () => this.#invalidate(),
      render: () => this.#render(),
      bring: (element, block) => this.#follower?.bring(element, block),
      copyLink: (id) => void this.#copyLink(id),
    });
    this.#switcher = new Switcher({
      rooms: () => this.reader.rooms(), go: (room) => surface.go?.(room), isNew: (room) => this.#unseen.isNew(room),
      changed: () => this.#invalidate(), left: () => this.element.querySelector<HTMLElement>(".nbgc-switch")?.focus(),
    });
    this.#rover = new Rover(this.element);
    this.#sight = new Sight(this.element, () => this.#invalidate());
    this.#shown = reader.snapshot;
    this.#render();
    this.#unsubscribe = reader.subscribe(() => this.#invalidate());
  }

  /** Show another reader of the same room from now on; what is being written stays. */
  follow(reader: Reader): void {
    this.#unsubscribe();
    this.reader.typist.stopped();
    this.reader = reader;
    this.#handling.follow(reader);
    this.#unsubscribe = reader.subscribe(() => this.#invalidate());
    this.#invalidate();
  }

  /** Go to a message as soon as the room is there. */
  show(id: string): void {
    this.#wanted = id;
    this.#invalidate();
  }

  /** Begin to write. */
  focus(): void {
    this.#composer.focus();
  }

  dispose(): void {
    this.#gone = true;
    this.#unsubscribe();
    this.#cancelFrame?.();
    this.#follower?.dispose();
    this.#crowd?.dispose();
    this.#rover.dispose();
    this.#sight.dispose();
    this.#remark.dispose();
    this.#attaching.dispose();
    this.#files.dispose();
    this.reader.typist.stopped();
    this.reader.draft = this.#composer.draft;
    this.element.removeEventListener("keydown", this.#keydown);
    this.element.remove();
  }

  #invalidate(): void {
    if (this.#cancelFrame !== null || this.#gone) return;
    const frame = requestAnimationFrame(() => this.#render());
    const timer = setTimeout(() => this.#render(), FRAME_MS);
    this.#cancelFrame = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }

  #render(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = null;
    const before = this.#shown;
    const snapshot = this.reader.snapshot;
    this.#shown = snapshot;
    if (snapshot.link === "live") this.#name.ask();
    this.#count(before, snapshot);
    const wasNew = this.#look(snapshot);
    this.element.dataset["state"] = snapshot.link;
    this.element.dataset["relay"] = snapshot.relay;
    const focused = this.#hasFocus();
    const show = (): void => {
      render(this.#template(snapshot), this.element);
    };
    if (before.room.base === snapshot.room.base) show();
    else this.#follower?.holding(show) ?? show();
    this.#attach();
    this.#follower?.keep();
    if (headerChanged(before, snapshot)) this.#crowd?.count();
    this.#rover.place();
    if (snapshot.link === "live") this.#arrive(before.link !== "live" && !wasNew);
    // What had the focus may be gone; the page around the panel would get the keys.
    if (focused && !this.#hasFocus()) this.element.querySelector<HTMLElement>(".nbgc-transcript")?.focus({ preventScroll: true });
    this.#announce(announcement(before, snapshot));
  }

  #template(snapshot: Snapshot): TemplateResult {
    return html`${headerTemplate(this.#title(), snapshot, this.#handling.search.button(), () => this.#handling.openRules())}
      ${waitTemplate(snapshot, this.surface)} ${relayTemplate(snapshot)} ${modelTemplate(snapshot)}
      ${rulesTemplate(snapshot)} ${this.#handling.identification.template()}
      ${this.#handling.pins.template(snapshot)} ${noticeTemplate(snapshot.problem, this.surface)}
      <div class="nbgc-middle">
        <div
          class="nbgc-transcript"
          role="log"
          aria-live="off"
          aria-label=${strings.transcript(this.reader.name)}
          tabindex="0"
          data-lm-suppress-shortcuts="true"
        >
          <div class="nbgc-messages">
            ${transcriptTemplate(this.reader.name, snapshot, Date.now(), this.#handling, this.#acting, this.#firstNew)}
          </div>
        </div>
        ${this.#newer()} ${this.#handling.sheet.template(snapshot.room)} ${this.#handling.search.template()}
        ${this.#handling.rules.template()} ${this.#switcher.sheet(this.reader.name)}
        ${this.#remark.template()}
      </div>
      <div class="nbgc-typing">${this.#typing(snapshot)}</div>
      ${this.#composer.template(this.reader.name, snapshot)}
      ${this.#name.template(snapshot.you?.name ?? null, snapshot.relay === "none" ? null : strings.throughKernel)}
      <div class="nbgc-announcer" role="status" aria-live="polite"></div>`;
  }

  get #acting(): TranscriptActions {
    return { ...this.#actions, place: this.surface.place ?? null, code: this.#code };
  }

  #title(): TemplateResult {
    return this.surface.go == null ? html`<bdi>${this.reader.name}</bdi>` : this.#switcher.button(this.reader.name);
  }

  #newer(): TemplateResult | typeof nothing {
    if (this.#follower?.following ?? true) return nothing;
    return html`<button
      type="button"
      class="nbgc-newer"
      data-lm-suppress-shortcuts="true"
      ?data-unread=${this.#unread > 0}
      @click=${() => this.#follower?.toEnd()}
    >
      ${strings.newer(this.#unread)}
    </button>`;
  }

  #typing(snapshot: Snapshot): TemplateResult | typeof nothing {
    const { members, typing } = snapshot.room;
    const names = members.filter(({ id }) => typing.has(id) && id !== snapshot.you?.id).map(({ name }) => name);
    if (names.length === 0) return nothing;
    return html`<span class="nbgc-dots" aria-hidden="true"><i></i><i></i><i></i></span> <bdi>${strings.typing(names)}</bdi>`;
  }

  /** Take hold of what the first rendering made. */
  #attach(): void {
    if (this.#follower !== null) return;
    this.#composer.attach(this.element, this.reader.draft);
    this.reader.draft = "";
    const scroller = this.element.querySelector<HTMLElement>(".nbgc-transcript");
    const content = this.element.querySelector(".nbgc-messages");
    const list = this.element.querySelector<HTMLElement>(".nbgc-members");
    const more = this.element.querySelector<HTMLElement>(".nbgc-more");
    if (scroller === null || content === null || list === null || more === null) return;
    this.#crowd = new Crowd(list, more);
    const changed = (): void => {
      this.#unread = 0;
      this.#invalidate();
    };
    this.#follower = new Follower(scroller, content, changed, () => {
      if (this.#shown.history === "more" && this.#shown.link === "live") void this.reader.history();
    });
  }

  /** See what is new. Says whether something was before. */
  #look({ link, room, you }: Snapshot): boolean {
    const before = this.#firstNew !== null;
    if (link !== "live" || you === null) return before;
    this.#firstNew = this.#unseen.look(room, you, this.#sight.isThere, this.#follower?.following ?? true);
    return before;
  }

  /** The room is there: take what an earlier page had left, and go where one wants to be. */
  #arrive(first: boolean): void {
    if (this.reader.restored !== "") {
      this.#composer.restore(this.reader.restored);
      this.reader.restored = "";
    }
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) void this.#goTo(wanted);
    else if (first && this.#firstNew !== null) this.#showFirstNew();
  }

  async #goTo(id: string): Promise<void> {
    if (!(await this.#handling.show(id))) this.#say(strings.notThere);
  }

  #showFirstNew(): void {
    const mark = this.element.querySelector(".nbgc-unread");
    if (mark !== null) this.#follower?.bring(mark, "nearest");
  }

  #say(sentence: string): void {
    this.#remark.say(sentence);
    this.#announce(sentence);
  }

  async #copyLink(id: string): Promise<void> {
    const { place } = this.surface;
    if (place == null) return;
    const done = await copyText(place.address(id));
    this.#say(done ? strings.linkCopied : strings.linkNotCopied);
  }

  #drafted(): void {
    this.reader.keepDraft(this.#composer.draft);
    this.#invalidate();
  }

  #count(before: Snapshot, after: Snapshot): void {
    if (this.#follower?.following ?? true) return;
    const known = before.room.position.seq;
    for (const message of after.room.messages.values()) if (message.seq > known) this.#unread += 1;
  }

  #announce(sentence: string): void {
    const region = this.element.querySelector(".nbgc-announcer");
    if (sentence !== "" && region !== null) region.textContent = sentence;
  }

  #post(text: string, reply_to: string | null): void {
    this.reader.post(text, this.#attaching.take(), reply_to);
    this.#unseen.forget();
    this.#follower?.toEnd();
  }

  #stopOwn(): void {
    const { room, you } = this.reader.snapshot;
    const id = you === null ? null : stoppable(room, you.id);
    if (id !== null) this.reader.cancel(id);
  }

  /** What is disabled loses the focus a moment later, and tells nobody. */
  #hasFocus(): boolean {
    const { activeElement } = this.element.getRootNode() as Document | ShadowRoot;
    return this.element.contains(activeElement) && activeElement?.matches(":disabled") !== true;
  }

  readonly #actions: Omit<TranscriptActions, "place" | "code"> = {
    stop: (id) => this.reader.cancel(id),
    retry: (cid) => this.reader.outbox.retry(cid),
    takeBack: (cid) => this.#handling.takeBack(cid),
    use: (tool, id) => this.#handling.use(tool, id),
    react: (id, emoji, on) => this.reader.react(id, emoji, on),
    earlier: () => void this.reader.history(),
    example: (text) => this.#composer.insert(text),
    show: (id) => void this.#handling.show(id),
    files: {
      address: (one) => this.#files.address(one),
      otherAddress: (one) => this.#files.otherAddress(one),
      save: (one) => this.#files.save(one),
    },
  };

  // Files alone: the notebook's own drags go on, and a file that is let go beside the field must not replace the page.
  readonly #drag = (event: DragEvent): void => {
    if (!(event.dataTransfer?.types.includes("Files") ?? false)) return;
    event.preventDefault();
    event.stopPropagation();
    this.element.toggleAttribute("data-dropping", event.type === "dragover");
    if (event.type === "drop") this.#attaching.takeFrom(event.dataTransfer);
  };

  // The notebook's shortcuts must not see what is typed here: Shift+Enter would run the cell and destroy the draft.
  readonly #keydown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const { save } = this.surface;
    if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.shiftKey && save !== null) {
      event.preventDefault();
      save();
    } else if (event.key === "/" && isFree(event)) {
      event.preventDefault();
      this.#handling.openSearch();
    } else if (event.key === "F6") {
      event.preventDefault();
      const inComposer = (event.target as Element).closest(".nbgc-composer") !== null;
      if (inComposer) this.element.querySelector<HTMLElement>(".nbgc-transcript")?.focus();
      else this.#composer.focus();
    }
  };
}

/** Say whether a key would write nothing. */
function isFree(event: KeyboardEvent): boolean {
  const writes = (event.target as Element).closest("input, textarea") !== null;
  return !writes && !event.ctrlKey && !event.metaKey && !event.altKey;
}
