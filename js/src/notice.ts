/** Why there is no connection and what one can do, as a notice. Pure template; the sentences are in `strings`. */

import { html, nothing, type TemplateResult } from "lit-html";
import { written } from "./language";
import type { Problem, Snapshot } from "./snapshot";
import { notice, strings } from "./strings";

export interface NoticeActions {
  /** Try to connect again after a problem. */
  readonly retry: () => void;
  readonly reload: () => void;
}

export function noticeTemplate(problem: Problem | null, actions: NoticeActions): TemplateResult | typeof nothing {
  if (problem === null) return nothing;
  const { title, text, action } = notice(problem);
  const act = action === "reload" ? actions.reload : actions.retry;
  const label = action === "reload" ? strings.reload : strings.retry;
  return html`<div class="nbgc-notice" role="alert" data-problem=${problem.kind}>
    <strong>${title}</strong>
    <p>${text}</p>
    ${action === null
      ? nothing
      : html`<button type="button" class="nbgc-act" data-lm-suppress-shortcuts="true" @click=${act}>${label}</button>`}
  </div>`;
}

/** What one waits for at the door of a room, or without a server, as a strip: it ends by itself. */
export function waitTemplate(
  { link, relay, delay, gone, problem }: Snapshot, actions: NoticeActions,
): TemplateResult | typeof nothing {
  if (problem !== null || link === "live") return nothing;
  if (delay !== null) {
    return html`<div class="nbgc-wait nbgc-strip" data-wait="door" role="status">
      <span>${strings.again(delay.message, written.second(delay.until))}</span>
    </div>`;
  }
  if (!gone || relay === "waiting") return nothing;
  return html`<div class="nbgc-wait nbgc-strip" data-wait="server" role="status">
    <span><strong>${strings.goneTitle}</strong> ${strings.goneText}</span>
    <button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${actions.retry}>${strings.tryNow}</button>
  </div>`;
}
