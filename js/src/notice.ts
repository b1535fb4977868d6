/** Why there is no connection and what one can do, as a notice. Pure template; the sentences are in `strings`. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Problem } from "./snapshot";
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
