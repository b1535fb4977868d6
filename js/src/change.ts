/** What is said of a post or a change that the server has not taken. Pure templates. */

import { html, nothing, type TemplateResult } from "lit-html";
import { written } from "./language";
import type { Pending, PendingChange } from "./outbox";
import { strings } from "./strings";

export interface PendingActions {
  retry(cid: string): void;
  takeBack(cid: string): void;
}

/** How what is sent fares on its way. */
export interface Way {
  readonly live: boolean;
  /** The kernel, through which it goes, takes nothing at the moment. */
  readonly kernelWaits: boolean;
}

/** Say what keeps things from leaving; null where nothing does. */
export function waitsFor({ live, kernelWaits }: Way): string | null {
  if (kernelWaits) return strings.waitsForKernel;
  return live ? null : strings.waitsForConnection;
}

/** Say what keeps something from being taken, the server's own wait first; null where nothing does. */
export function onItsWay({ error, until }: Pending, way: Way): string | null {
  return until !== null && error !== null ? strings.waitsUntil(error, written.second(until)) : waitsFor(way);
}

/** Nothing is said of a change that is about to be heard anyway. */
export function changeTemplate(change: PendingChange, way: Way, actions: PendingActions): TemplateResult | typeof nothing {
  if (change.state !== "failed") {
    const note = onItsWay(change, way);
    return note === null ? nothing : html`<div class="nbgc-note">${note}</div>`;
  }
  return html`<div class="nbgc-note" data-problem>
    <span role="alert">${strings.notDone(change.method, change.error)}</span>
    ${again(change.cid, actions, change.method === "edit" ? strings.takeBack : strings.leaveIt)}
  </div>`;
}

export function again(cid: string, actions: PendingActions, giveUp = strings.takeBack): TemplateResult {
  return html`${button(strings.retry, () => actions.retry(cid))} ${button(giveUp, () => actions.takeBack(cid))}`;
}

function button(label: string, pressed: () => void): TemplateResult {
  return html`<button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${pressed}>
    ${label}
  </button>`;
}
