/** The messages of a room as a list: days, groups of one author, what answers what. Pure templates. */

import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { repeat } from "lit-html/directives/repeat.js";
import { joined, type Attempts, type Placed } from "./attempts";
import { waitsFor, type Way } from "./change";
import type { Editor } from "./editor";
import { messageTemplate, type Changing, type MessageActions, type Surroundings } from "./message";
import { written } from "./language";
import type { PendingEdit, PendingPost } from "./outbox";
import { pendingTemplate } from "./pending";
import type { Picker } from "./picker";
import { mayStop, tools } from "./policy";
import type { Snapshot } from "./snapshot";
import type { Message, Room } from "./room";
import { strings } from "./strings";

export interface TranscriptActions extends MessageActions {
  earlier(): void;
  example(text: string): void;
}

/** What is done to a message where it stands. */
export interface InPlace {
  readonly attempts: Attempts;
  readonly editor: Editor;
  readonly picker: Picker;
}

/** Posts of one author that follow each other sooner than this are shown as one group. */
const GROUP_MS = 5 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

/** `unread` is the first message that was new when one came back. */
export function transcriptTemplate(
  name: string, snapshot: Snapshot, now: number, inPlace: InPlace, actions: TranscriptActions, unread: string | null,
): TemplateResult {
  const { room, pending } = snapshot;
  const messages = [...room.messages.values()];
  const shown = inPlace.attempts.place(messages);
  const heard = heardUpTo(messages);
  const empty = messages.length === 0 && pending.length === 0;
  return html`${earlier(snapshot, actions)} ${empty ? emptyTemplate(name, snapshot, actions) : nothing}
  ${repeat(
    shown,
    ({ key }) => key,
    (one, index) => placed(one, shown[index - 1] ?? null, { snapshot, now, heard, inPlace, unread }, actions),
  )}
  ${repeat(
    pending,
    (post) => post.cid,
    (post, index) => {
      const continued = index === 0 ? goesOn(post, shown.at(-1)?.parts.at(-1), snapshot) : follows(post, pending[index - 1]);
      const { you, mention } = snapshot;
      const quoted = post.method === "post" ? (room.messages.get(post.reply_to ?? "") ?? null) : null;
      return pendingTemplate(post, { you, continued, quoted, mention, ...way(snapshot) }, actions);
    },
  )}`;
}

/** Say whether a post goes on from the last message of the room. */
function goesOn(post: PendingPost | PendingEdit, above: Message | undefined, { you }: Snapshot): boolean {
  return above?.by === you?.id && above?.name === you?.name && follows(post, above);
}

interface Scene {
  readonly snapshot: Snapshot;
  readonly now: number;
  /** What is newer the agent has not read for a reply. */
  readonly heard: number;
  readonly unread: string | null;
  readonly inPlace: InPlace;
}

function follows(post: PendingPost | PendingEdit, above: { readonly ts: number } | undefined): boolean {
  return above !== undefined && dayOf(above.ts) === dayOf(post.ts) && post.ts - above.ts < GROUP_MS;
}

function placed(one: Placed, before: Placed | null, scene: Scene, actions: TranscriptActions): unknown {
  const { snapshot, now, heard, inPlace, unread } = scene;
  const isFirstNew = one.parts.some(({ id }) => id === unread);
  const last = one.parts.at(-1) as Message;
  const message = joined(one.parts);
  const above = before?.parts.at(-1) ?? null;
  const day = above === null || dayOf(above.ts) !== dayOf(message.ts) ? dayLabel(message.ts, now) : null;
  const all = (): Message[] => [...snapshot.room.messages.values()];
  const around: Surroundings = {
    ...surroundings(last, above, snapshot, day !== null || isFirstNew, actions.place !== null),
    attempts: inPlace.attempts.template(one, all),
    unheardBy: unheardBy(last, heard, snapshot),
  };
  // One cannot go on with what somebody has removed meanwhile.
  const doing = message.redacted ? null : inPlace.editor.doing(message.id);
  const picking = message.redacted ? null : inPlace.picker.picking(message.id);
  const depends = [
    one.parts.length, ...one.parts, one.number, one.count, around.unheardBy, day, around.own, around.continued,
    around.answered, around.quoted, around.mention, around.before, around.pinned,
    around.tools.join(), around.stoppable, around.change, around.change === null ? null : waitsFor(around), doing, picking,
    around.you,
    isFirstNew,
  ];
  return guard(depends, () => {
    const divider = day === null ? nothing : html`<div class="nbgc-day"><span>${day}</span></div>`;
    const mark = isFirstNew ? html`<div class="nbgc-unread"><span>${strings.unread}</span></div>` : nothing;
    const changing: Changing | null = doing !== null
      ? { kind: doing.kind, template: inPlace.editor.template(doing) }
      : picking === null ? null : { kind: "react", template: inPlace.picker.template(picking, message.name) };
    return html`${divider}${mark}${messageTemplate(message, around, changing, actions)}`;
  });
}

/** Give the newest entry that the agent has read for a reply; infinite before the first one. */
function heardUpTo(messages: readonly Message[]): number {
  const contexts = messages.flatMap(({ context }) => (context === null ? [] : [context]));
  return contexts.length === 0 ? Infinity : Math.max(...contexts);
}

function unheardBy(message: Message, heard: number, { mention, room }: Snapshot): string | null {
  const waits = room.waiting.has(message.id) || message.redacted || message.to !== null;
  return mention === null || waits || message.seq <= heard ? null : mention.replace(/^@/, "");
}

function surroundings(
  message: Message, above: Message | null, snapshot: Snapshot, apart: boolean, linked: boolean,
): Omit<Surroundings, "attempts" | "unheardBy"> {
  const { room, you, mention, role } = snapshot;
  const { answered, quoted } = quotedBy(message, above, room);
  const continued =
    above !== null && !apart && answered === null && message.kind !== "agent" &&
    above.by === message.by && above.name === message.name && message.ts - above.ts < GROUP_MS;
  return {
    own: message.by === you?.id, you: you?.id ?? null, continued, answered, quoted, mention,
    before: room.waiting.get(message.id) ?? null,
    pinned: room.pinned.includes(message.id),
    tools: tools(message, room, you?.id ?? null, linked, role),
    stoppable: mayStop(message, room, you?.id ?? null, role),
    change: snapshot.changes.get(message.id) ?? null,
    ...way(snapshot),
  };
}

/** Give what a message answers, where that is to be said. */
function quotedBy(message: Message, above: Message | null, room: Room): Pick<Surroundings, "answered" | "quoted"> {
  const question = message.to !== null && message.to !== above?.id && room.messages.has(message.to) ? message.to : null;
  const answered = message.reply_to ?? question;
  return { answered, quoted: room.messages.get(answered ?? "") ?? null };
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
