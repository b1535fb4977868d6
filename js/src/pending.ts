/** How a post looks that the server has not acknowledged. Pure template. */

import { html, nothing, type TemplateResult } from "lit-html";
import { avatar } from "./avatar";
import { again, onItsWay, type PendingActions, type Way } from "./change";
import type { CodeActions } from "./fence";
import { badge, time } from "./message";
import type { PendingEdit, PendingPost } from "./outbox";
import type { Member } from "./protocol";
import { sayingTemplate } from "./saying";
import { strings } from "./strings";

/** What the looks of a post depend on, besides itself. */
export interface PendingSurroundings extends Way {
  /** Null before the server has said who one is. */
  readonly you: Member | null;
  readonly continued: boolean;
  readonly mention: string | null;
}

type Post = PendingPost | PendingEdit;

export function pendingTemplate(post: Post, around: PendingSurroundings, actions: PendingActions & { readonly code: CodeActions }): TemplateResult {
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
    ${avatar(name, you?.kind ?? "human")}
    <div class="nbgc-body">
      <header class="nbgc-byline">
        <bdi class="nbgc-author">${name}</bdi> ${you === null ? nothing : badge(you.kind, true)} ${time(post.ts)}
      </header>
      ${sayingTemplate({
        text: post.text, open: false, edited: false, reply: false, mention: around.mention, asks: false, insert: actions.code.insert,
      })}
      ${filesTemplate(post)}
      <div class="nbgc-note" ?data-problem=${failed}>
        <span>${failed ? strings.notSent(post.error) : (onItsWay(post, around) ?? strings.sending)}</span>
        ${failed ? again(post.cid, actions) : nothing}
      </div>
    </div>
  </article>`;
}

function filesTemplate(post: Post): TemplateResult | typeof nothing {
  const files = post.method === "post" ? (post.files ?? []) : [];
  if (files.length === 0) return nothing;
  return html`<ul class="nbgc-files" aria-label=${strings.attachments}>
    ${files.map(({ name, data }) => html`<li><bdi>${name}</bdi> <span>${strings.fileSize(data.length)}</span></li>`)}
  </ul>`;
}
