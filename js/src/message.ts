/**
 * How one message looks. Pure: a message and its neighbourhood in, a template out. All text goes through text bindings.
 * It knows nothing of what can be done to one (`toolbar`, `editor`).
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { attachmentsTemplate, type AttachmentSource } from "./attached";
import { gist } from "./attachment";
import { avatar } from "./avatar";
import { changeTemplate, type PendingActions, type Way } from "./change";
import { chipsTemplate, type Reacting } from "./chips";
import type { CodeActions } from "./fence";
import { icon } from "./icon";
import { written } from "./language";
import type { PendingChange } from "./outbox";
import type { Tool } from "./policy";
import type { Kind } from "./protocol";
import type { Message } from "./room";
import { sayingTemplate } from "./saying";
import { strings } from "./strings";
import { beginning } from "./text";
import { toolbarTemplate, type Tools } from "./toolbar";

/** What a message's looks depend on, besides itself. */
export interface Surroundings extends Way {
  readonly own: boolean;
  /** One's own id; null while it is not known. */
  readonly you: string | null;
  /** It goes on from the message above, of the same author a moment ago. */
  readonly continued: boolean;
  /** What it answers, where that is to be said: one may answer any message, a reply answers what is directly above. */
  readonly answered: string | null;
  /** That message; null where it is not held. */
  readonly quoted: Message | null;
  readonly mention: string | null;
  /** How many turns come before its own, where it is a question that waits. */
  readonly before: number | null;
  readonly pinned: boolean;
  readonly tools: readonly Tool[];
  /** It is one of several answers to a question, with this to go to the others. */
  readonly attempts: TemplateResult | typeof nothing;
  /** What the agent is called that has not read it yet; null where it has, or nobody reads here. */
  readonly unheardBy: string | null;
  readonly stoppable: boolean;
  /** What is on its way to be changed of it. */
  readonly change: PendingChange | null;
}

/** What stands in a message while one changes it: a field in place of its text, or a question or a choice below it. */
export interface Changing {
  readonly kind: "edit" | "remove" | "react";
  readonly template: TemplateResult;
}

export interface MessageActions extends PendingActions, Tools, Reacting {
  readonly code: CodeActions;
  stop(id: string): void;
  show(id: string): void;
  /** Where a message is found; null where this page knows no address. */
  readonly place: Place | null;
  readonly files: AttachmentSource;
}

/** Addresses of messages, and whether they lead out of this page. */
export interface Place {
  address(id: string): string;
  readonly elsewhere: boolean;
}

const QUOTE_LENGTH = 80;

export function messageTemplate(
  message: Message, around: Surroundings, changing: Changing | null, actions: MessageActions,
): TemplateResult {
  const open = message.status === "open";
  const { change } = around;
  return html`<article
    class="nbgc-message"
    tabindex="-1"
    data-lm-suppress-shortcuts="true"
    data-message-id=${message.id}
    data-kind=${message.kind}
    data-status=${message.status}
    ?data-own=${around.own}
    ?data-continued=${around.continued}
    ?data-pinned=${around.pinned}
    ?data-redacted=${message.redacted}
    data-changing=${change === null || change.state === "failed" ? nothing : change.method}
    aria-busy=${open ? "true" : nothing}
  >
    ${avatar(message.name, message.kind)}
    <div class="nbgc-body">
      <header class="nbgc-byline">
        <bdi class="nbgc-author">${message.name}</bdi>
        ${badge(message.kind, around.own)} ${timeLink(message, actions.place)} ${around.attempts} ${open && around.stoppable ? stopButton(message, actions) : nothing}
      </header>
      ${quoteTemplate(around.answered, around.quoted, actions)}
      ${changing?.kind === "edit" ? changing.template : saying(message, around, actions)}
      ${attachmentsTemplate(message.attachments, actions.files)}
      ${chipsTemplate(message, around.you, actions)}
      ${changing === null || changing.kind === "edit" ? nothing : changing.template}
      ${change === null ? nothing : changeTemplate(change, around, actions)}
      ${around.unheardBy === null ? nothing : html`<div class="nbgc-unheard">${strings.unheard(around.unheardBy)}</div>`}
      ${around.before === null ? nothing : waiting(message, around.before, around.stoppable, actions)}
    </div>
    ${around.pinned ? html`<span class="nbgc-pinned" role="img" aria-label=${strings.pinned}>${icon("pin")}</span>` : nothing}
    ${changing === null || changing.kind === "react" ? toolbarTemplate(message, around.tools, actions) : nothing}
  </article>`;
}

function saying(message: Message, { mention, change }: Surroundings, { code }: MessageActions): TemplateResult {
  if (message.redacted) return html`<div class="nbgc-removed">${strings.removed(message.kind)}</div>`;
  const text = change?.method === "edit" ? change.text : message.text;
  const open = message.status === "open";
  return html`${sayingTemplate({
    text, open, edited: message.edited, reply: message.to !== null, mention, asks: message.asks.length > 0, insert: code.insert,
  })}
  ${open && text === "" ? reading() : nothing} ${ending(message)}`;
}

export function badge(kind: Kind, own: boolean): TemplateResult | typeof nothing {
  if (own && kind === "human") return html`<span class="nbgc-badge" data-badge="you">${strings.you}</span>`;
  const name = strings.badge[kind];
  return name === "" ? nothing : html`<span class="nbgc-badge" data-badge=${kind}>${name}</span>`;
}

export function time(ts: number): TemplateResult {
  const date = new Date(ts);
  return html`<time class="nbgc-time" datetime=${date.toISOString()} title=${written.moment(ts)}
    >${written.minute(ts)}</time
  >`;
}

/** The time as the message's address. Keys come to it by the toolbar, whose button copies it. */
function timeLink({ id, ts }: Message, place: Place | null): TemplateResult {
  if (place === null) return time(ts);
  return html`<a
    class="nbgc-when"
    href=${place.address(id)}
    tabindex="-1"
    data-lm-suppress-shortcuts="true"
    target=${place.elsewhere ? "_blank" : nothing}
    rel="noopener"
    aria-label=${`${written.minute(ts)}, ${strings.linkTo(written.moment(ts))}`}
    >${time(ts)}</a
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

function waiting(message: Message, before: number, stoppable: boolean, actions: MessageActions): TemplateResult {
  const said = html`<span class="nbgc-waiting">${strings.before(before)}</span>`;
  if (!stoppable) return html`<div class="nbgc-note">${said}</div>`;
  return html`<div class="nbgc-note">
    ${said}
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
  const stopped = message.stopped_by === null ? null : strings.stoppedBy(message.stopped_by);
  const note = message.error ?? stopped ?? strings.ended[message.status];
  if (note === "") return nothing;
  return html`<div class="nbgc-note" ?data-problem=${message.status === "failed"}>${note}</div>`;
}

/** The beginning of message `id`, which is `quoted` where it is held, as a button that goes there. */
export function quoteTemplate(
  id: string | null, quoted: Message | null, actions: Pick<MessageActions, "show">,
): TemplateResult | typeof nothing {
  if (id === null) return nothing;
  const held = quoted?.redacted === true ? strings.removed(quoted.kind) : beginning(quoted === null ? "" : gist(quoted), QUOTE_LENGTH);
  return html`<button
    type="button"
    class="nbgc-quote"
    data-lm-suppress-shortcuts="true"
    @click=${() => actions.show(id)}
  >
    <span>${strings.answerTo} <bdi>${quoted?.name ?? strings.notFetched}</bdi></span> <span class="nbgc-quoted">${held}</span>
  </button>`;
}
