/**
 * How one message looks. Pure: a message and its neighbourhood in, a template out. All text goes through text bindings.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { avatar } from "./avatar";
import type { Pending } from "./outbox";
import type { Member } from "./protocol";
import type { Message } from "./room";
import { strings } from "./strings";
import { runs } from "./text";

/** What a message's looks depend on, besides itself. */
export interface Surroundings {
  readonly own: boolean;
  /** It goes on from the message above, of the same author a moment ago. */
  readonly continued: boolean;
  /** What it answers, where that is not directly above. */
  readonly quoted: Message | null;
  readonly mention: string | null;
  /** How many turns come before its own, where it is a question that waits. */
  readonly before: number | null;
}

/** What the looks of a post depend on that the server has not acknowledged, besides itself. */
export interface PendingSurroundings {
  /** Null before the server has said who one is. */
  readonly you: Member | null;
  readonly continued: boolean;
  readonly mention: string | null;
  readonly live: boolean;
  /** The kernel, through which it goes, takes nothing at the moment. */
  readonly kernelWaits: boolean;
}

export interface MessageActions {
  stop(id: string): void;
  show(id: string): void;
  retry(cid: string): void;
  takeBack(cid: string): void;
}

const QUOTE_LENGTH = 80;

const clockTime = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function messageTemplate(message: Message, around: Surroundings, actions: MessageActions): TemplateResult {
  const open = message.status === "open";
  return html`<article
    class="nbgc-message"
    data-message-id=${message.id}
    data-kind=${message.kind}
    data-status=${message.status}
    ?data-own=${around.own}
    ?data-continued=${around.continued}
    aria-busy=${open ? "true" : nothing}
  >
    ${avatar(message.by, message.name, message.kind)}
    <div class="nbgc-body">
      <header class="nbgc-byline">
        <bdi class="nbgc-author">${message.name}</bdi>
        ${badge(message, around)} ${time(message.ts)} ${open ? stopButton(message, actions) : nothing}
      </header>
      ${quote(around.quoted, actions)}
      ${textTemplate(message, around.mention)} ${open && message.text === "" ? reading() : nothing} ${ending(message)}
      ${around.before === null ? nothing : waiting(message, around.before, actions)}
    </div>
  </article>`;
}

/** A post that the server has not acknowledged. */
export function pendingTemplate(post: Pending, around: PendingSurroundings, actions: MessageActions): TemplateResult {
  const { you } = around;
  const name = you?.name ?? strings.nameless;
  const failed = post.state === "failed";
  const way = around.kernelWaits ? strings.waitsForKernel : around.live ? strings.sending : strings.waitsForConnection;
  const note = failed ? strings.notSent(post.error) : way;
  return html`<article
    class="nbgc-message nbgc-pending"
    data-cid=${post.cid}
    data-pending=${failed ? "failed" : "waiting"}
    data-own
    ?data-continued=${around.continued}
  >
    ${avatar(you?.id ?? "", name, "human")}
    <div class="nbgc-body">
      <header class="nbgc-byline">
        <bdi class="nbgc-author">${name}</bdi> ${you === null ? nothing : youBadge()} ${time(post.ts)}
      </header>
      <div class="nbgc-text" dir="auto">${textRuns(post.text, around.mention, false)}</div>
      <div class="nbgc-note" ?data-problem=${failed}>
        <span>${note}</span>
        ${failed
          ? html`${button(strings.retry, () => actions.retry(post.cid))}
            ${button(strings.takeBack, () => actions.takeBack(post.cid))}`
          : nothing}
      </div>
    </div>
  </article>`;
}

// Without white space of the template's own: the text is shown with all of its own.
function textTemplate(message: Message, mention: string | null): TemplateResult {
  return html`<div class="nbgc-text" dir="auto">${textRuns(message.text, mention, message.asks.length > 0)}</div>`;
}

/** A mention is marked only where it asks; in a text from right to left each stands for itself, lest its "@" go astray. */
function textRuns(text: string, mention: string | null, asks: boolean): (TemplateResult | string)[] {
  return runs(text, mention).map((run) => {
    if (run.kind === "code") return html`<pre class="nbgc-code" dir="ltr"><code>${run.text}</code></pre>`;
    return run.kind === "mention" ? html`<bdi class=${asks ? "nbgc-mention" : nothing} dir="ltr">${run.text}</bdi>` : run.text;
  });
}

function badge(message: Message, around: Surroundings): TemplateResult | typeof nothing {
  if (around.own && message.kind === "human") return youBadge();
  const name = strings.badge[message.kind];
  return name === "" ? nothing : html`<span class="nbgc-badge" data-badge=${message.kind}>${name}</span>`;
}

function youBadge(): TemplateResult {
  return html`<span class="nbgc-badge" data-badge="you">${strings.you}</span>`;
}

function time(ts: number): TemplateResult {
  const date = new Date(ts);
  return html`<time class="nbgc-time" datetime=${date.toISOString()} title=${fullTime.format(date)}
    >${clockTime.format(date)}</time
  >`;
}

function stopButton(message: Message, actions: MessageActions): TemplateResult {
  return html`<button
    type="button"
    class="nbgc-stop"
    data-lm-suppress-shortcuts="true"
    aria-label=${strings.stopLabel(message.name)}
    @click=${() => actions.stop(message.id)}
  >
    ${strings.stop}
  </button>`;
}

function waiting(message: Message, before: number, actions: MessageActions): TemplateResult {
  return html`<div class="nbgc-note">
    <span class="nbgc-waiting">${strings.before(before)}</span>
    <button
      type="button"
      class="nbgc-withdraw"
      data-lm-suppress-shortcuts="true"
      aria-label=${strings.withdrawLabel(message.name)}
      @click=${() => actions.stop(message.id)}
    >
      ${strings.stop}
    </button>
  </div>`;
}

function reading(): TemplateResult {
  return html`<div class="nbgc-reading">${strings.reading}</div>`;
}

function ending(message: Message): TemplateResult | typeof nothing {
  const note = message.error ?? strings.ended[message.status];
  if (note === "") return nothing;
  return html`<div class="nbgc-note" ?data-problem=${message.status === "failed"}>${note}</div>`;
}

function quote(quoted: Message | null, actions: MessageActions): TemplateResult | typeof nothing {
  if (quoted === null) return nothing;
  const words = quoted.text.replace(/\s+/g, " ");
  const text = words.length > QUOTE_LENGTH ? `${words.slice(0, QUOTE_LENGTH)}…` : words;
  return html`<button
    type="button"
    class="nbgc-quote"
    data-lm-suppress-shortcuts="true"
    @click=${() => actions.show(quoted.id)}
  >
    <span>${strings.answerTo} <bdi>${quoted.name}</bdi></span> <span class="nbgc-quoted">${text}</span>
  </button>`;
}

function button(label: string, pressed: () => void): TemplateResult {
  return html`<button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${pressed}>
    ${label}
  </button>`;
}
