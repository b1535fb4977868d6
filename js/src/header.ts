/** What stands above the messages: the room, the search, who is here, the connection, and how the model is. Pure templates. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { avatar } from "./avatar";
import { icon } from "./icon";
import type { Member } from "./protocol";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";

/** With more members than this, only their avatars are shown. */
const NAMED = 5;

/**
 * `title` is the room's name, or what leads to other rooms too; `search` opens the search, and `openRules` the form in which
 * instructors set what the room allows.
 */
export function headerTemplate(
  title: TemplateResult, snapshot: Snapshot, search: TemplateResult, openRules: () => void,
): TemplateResult {
  const { members, status } = snapshot.room;
  const ready = snapshot.link === "live" && status.state === "ready" && status.model !== "";
  return html`<div class="nbgc-header">
    <h2 class="nbgc-title">${title}</h2>
    <ul class="nbgc-members" aria-label=${strings.members} ?data-compact=${members.length > NAMED}>
      ${repeat(members, (member) => member.id, (member) => memberTemplate(member, snapshot.you))}
    </ul>
    <span class="nbgc-more" aria-hidden="true"></span>
    ${ready
      ? html`<span class="nbgc-model" data-model-state="ready"><bdi>${strings.modelReady(status.model)}</bdi></span>`
      : nothing}
    ${search} ${snapshot.role === "instructor" ? rulesButton(openRules) : nothing} ${linkTemplate(snapshot)}
  </div>`;
}

function rulesButton(open: () => void): TemplateResult {
  return html`<button
    type="button"
    class="nbgc-tool nbgc-rules-open"
    data-lm-suppress-shortcuts="true"
    aria-haspopup="dialog"
    aria-label=${strings.setRules}
    title=${strings.setRules}
    @click=${open}
  >
    ${icon("rules")}
  </button>`;
}

/** What keeps the model from answering, as a strip below the header. */
export function modelTemplate(snapshot: Snapshot): TemplateResult | typeof nothing {
  const { state, model, progress, message } = snapshot.room.status;
  if (snapshot.link !== "live" || snapshot.mention === null || state === "ready") return nothing;
  const agent = snapshot.mention.replace(/^@/, "");
  if (state === "loading") {
    return html`<div class="nbgc-model nbgc-strip" data-model-state="loading">
      <span><bdi>${strings.loading(model)}</bdi></span>
      <progress class="nbgc-progress" max="1" .value=${progress ?? 0} aria-label=${strings.loading(model)}></progress>
      ${progress === null ? nothing : html`<span class="nbgc-percent">${Math.round(progress * 100)} %</span>`}
    </div>`;
  }
  const off = message === null ? strings.modelOff(agent) : strings.modelAsleep(agent);
  const title = state === "failed" ? strings.modelFailed(agent) : off;
  return html`<div class="nbgc-model nbgc-strip" data-model-state=${state}>
    <span><strong>${title}</strong> <span class="nbgc-model-message">${message ?? ""}</span></span>
  </div>`;
}

/** What keeps the kernel from taking what is sent, where it goes through one, as a strip below the header. */
export function relayTemplate(snapshot: Snapshot): TemplateResult | typeof nothing {
  if (snapshot.relay !== "waiting") return nothing;
  return html`<div class="nbgc-relay nbgc-strip" role="status">
    <span><strong>${strings.kernelWaits}</strong> ${strings.kernelWaitsText}</span>
  </div>`;
}

function memberTemplate(member: Member, you: Member | null): TemplateResult {
  const own = member.id === you?.id;
  const title = own ? `${member.name} (${strings.you})` : member.name;
  return html`<li class="nbgc-member" data-member-id=${member.id} data-kind=${member.kind} ?data-own=${own} title=${title}>
    ${avatar(member.name, member.kind)}<bdi class="nbgc-member-name">${member.name}</bdi>
  </li>`;
}

function linkTemplate(snapshot: Snapshot): TemplateResult {
  const waits = snapshot.pending.filter((post) => post.state === "waiting").length;
  const waiting = snapshot.link === "reconnecting" && waits > 0 ? ` ${strings.waiting(waits)}` : "";
  const through = snapshot.link === "live" && snapshot.relay !== "none";
  const label = (through ? strings.linkThrough : strings.link[snapshot.link]) + waiting;
  return html`<span class="nbgc-link" title=${label}><span class="nbgc-link-label">${label}</span></span>`;
}
