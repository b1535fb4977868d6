/** How a post looks that the server has not acknowledged. Pure template. */

import { html, nothing, type TemplateResult } from "lit-html";
import { avatar } from "./avatar";
import { again, waitsFor, type PendingActions, type Way } from "./change";
import { badge, textRuns, time } from "./message";
import type { PendingEdit, PendingPost } from "./outbox";
import type { Member } from "./protocol";
import { strings } from "./strings";

/** What the looks of a post depend on, besides itself. */
export interface PendingSurroundings extends Way {
  /** Null before the server has said who one is. */
  readonly you: Member | null;
  readonly continued: boolean;
  readonly mention: string | null;
}

type Post = PendingPost | PendingEdit;

export function pendingTemplate(post: Post, around: PendingSurroundings, actions: PendingActions): TemplateResult {
  const { you } = around;
  const name = you?.name ?? strings.nameless;
  const failed = post.state === "failed";
  return html`<article
    class="nbgc-message nbgc-pending"
    data-cid=${post.cid}
    data-pending=${failed ? "failed" : "waiting"}
    data-own
    ?data-continued=${around.continued}
  >
    ${avatar(you?.id ?? "", name, you?.kind ?? "human")}
    <div class="nbgc-body">
      <header class="nbgc-byline">
        <bdi class="nbgc-author">${name}</bdi> ${you === null ? nothing : badge(you.kind, true)} ${time(post.ts)}
      </header>
      <div class="nbgc-text" dir="auto">${textRuns(post.text, around.mention, false)}</div>
      <div class="nbgc-note" ?data-problem=${failed}>
        <span>${failed ? strings.notSent(post.error) : (waitsFor(around) ?? post.error ?? strings.sending)}</span>
        ${failed ? again(post.cid, actions) : nothing}
      </div>
    </div>
  </article>`;
}
