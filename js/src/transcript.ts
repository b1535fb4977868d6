/** The messages of a room as a list: days, groups of one author, what answers what. Pure templates. */

import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { repeat } from "lit-html/directives/repeat.js";
import { waitsFor, type Way } from "./change";
import type { Editor } from "./editor";
import { written } from "./language";
import { messageTemplate, type MessageActions, type Surroundings } from "./message";
import type { PendingEdit, PendingPost } from "./outbox";
import { pendingTemplate } from "./pending";
import { mayStop, tools } from "./policy";
import type { Snapshot } from "./snapshot";
import type { Message } from "./room";
import { strings } from "./strings";

export interface TranscriptActions extends MessageActions {
  earlier(): void;
  example(text: string): void;
}

/** Posts of one author that follow each other sooner than this are shown as one group. */
const GROUP_MS = 5 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

/** `unread` is the first message that was new when one came back. */
export function transcriptTemplate(
  name: string, snapshot: Snapshot, now: number, editor: Editor, actions: TranscriptActions, unread: string | null = null,
): TemplateResult {
  const { room, pending } = snapshot;
  const messages = [...room.messages.values()];
  const empty = messages.length === 0 && pending.length === 0;
  return html`${earlier(snapshot, actions)} ${empty ? emptyTemplate(name, snapshot, actions) : nothing}
  ${repeat(
    messages,
    (message) => message.id,
    (message, index) => placed(message, messages[index - 1] ?? null, snapshot, now, editor, actions, message.id === unread),
  )}
  ${repeat(
    pending,
    (post) => post.cid,
    (post, index) => {
      const continued = index === 0 ? goesOn(post, messages.at(-1), snapshot) : follows(post, pending[index - 1]);
      const { you, mention } = snapshot;
      return pendingTemplate(post, { you, continued, mention, ...way(snapshot) }, actions);
    },
  )}`;
}

/** Say whether a post goes on from the last message of the room. */
function goesOn(post: PendingPost | PendingEdit, above: Message | undefined, { you }: Snapshot): boolean {
  return above?.by === you?.id && above?.name === you?.name && follows(post, above);
}

function follows(post: PendingPost | PendingEdit, above: { readonly ts: number } | undefined): boolean {
  return above !== undefined && dayOf(above.ts) === dayOf(post.ts) && post.ts - above.ts < GROUP_MS;
}

function placed(
  message: Message, above: Message | null, snapshot: Snapshot, now: number, editor: Editor, actions: TranscriptActions,
  isFirstNew: boolean,
): unknown {
  const day = above === null || dayOf(above.ts) !== dayOf(message.ts) ? dayLabel(message.ts, now) : null;
  const around = surroundings(message, above, snapshot, day !== null || isFirstNew, actions.place !== null);
  // One cannot go on to edit what somebody has removed meanwhile.
  const doing = message.redacted ? null : editor.doing(message.id);
  const depends = [
    message, day, around.own, around.continued, around.quoted, around.mention, around.before, around.pinned,
    around.tools.join(), around.stoppable, around.change, around.change === null ? null : waitsFor(around), doing,
    isFirstNew,
  ];
  return guard(depends, () => {
    const divider = day === null ? nothing : html`<div class="nbgc-day"><span>${day}</span></div>`;
    const mark = isFirstNew ? html`<div class="nbgc-unread"><span>${strings.unread}</span></div>` : nothing;
    const changing = doing === null ? null : { kind: doing.kind, template: editor.template(doing) };
    return html`${divider}${mark}${messageTemplate(message, around, changing, actions)}`;
  });
}

function surroundings(message: Message, above: Message | null, snapshot: Snapshot, apart: boolean, linked: boolean): Surroundings {
  const { room, you, mention, role } = snapshot;
  const answered = message.to ?? message.reply_to;
  const quoted = answered === null || answered === above?.id ? null : (room.messages.get(answered) ?? null);
  const continued =
    above !== null && !apart && quoted === null && message.kind !== "agent" &&
    above.by === message.by && above.name === message.name && message.ts - above.ts < GROUP_MS;
  return {
    own: message.by === you?.id, continued, quoted, mention,
    before: room.waiting.get(message.id) ?? null,
    pinned: room.pinned.includes(message.id),
    tools: tools(message, room, you?.id ?? null, linked, role),
    stoppable: mayStop(message, room, you?.id ?? null, role),
    change: snapshot.changes.get(message.id) ?? null,
    ...way(snapshot),
  };
}

function way({ link, relay }: Snapshot): Way {
  return { live: link === "live", kernelWaits: relay === "waiting" };
}

function earlier(snapshot: Snapshot, actions: TranscriptActions): TemplateResult | typeof nothing {
  if (snapshot.history === "none") return nothing;
  const loading = snapshot.history === "loading";
  return html`<button
    type="button"
    class="nbgc-earlier"
    data-lm-suppress-shortcuts="true"
    ?disabled=${loading || snapshot.link !== "live"}
    @click=${() => actions.earlier()}
  >
    ${loading ? strings.fetching : strings.earlier}
  </button>`;
}

function emptyTemplate(name: string, snapshot: Snapshot, actions: TranscriptActions): TemplateResult {
  const { mention } = snapshot;
  if (snapshot.link !== "live") {
    return html`<div class="nbgc-empty"><p>${snapshot.link === "connecting" ? strings.arriving : ""}</p></div>`;
  }
  return html`<div class="nbgc-empty">
    <h3><bdi>${strings.emptyTitle(name)}</bdi></h3>
    <p>${mention === null ? strings.emptyAlone : strings.emptyText(mention)}</p>
    ${mention === null ? nothing : exampleTemplate(strings.emptyExample(mention), actions)}
  </div>`;
}

function exampleTemplate(example: string, actions: TranscriptActions): TemplateResult {
  return html`<button
    type="button"
    class="nbgc-example"
    data-lm-suppress-shortcuts="true"
    @click=${() => actions.example(example)}
  >
    ${example}
  </button>`;
}

function dayOf(ts: number): string {
  return new Date(ts).toDateString();
}

function dayLabel(ts: number, now: number): string {
  if (dayOf(ts) === dayOf(now)) return strings.today;
  if (dayOf(ts) === dayOf(now - DAY_MS)) return strings.yesterday;
  return written.day(ts, now);
}
