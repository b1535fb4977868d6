/**
 * How attachments look below a message: pictures inline, files of text folded. Pure templates; all text goes through text
 * bindings, and a picture's address is only ever what `AttachmentSource` gives.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { isPicture, type Attachment } from "./attachment";
import { strings } from "./strings";

/** Where the bytes of attachments come from. */
export interface AttachmentSource {
  /** Give an address in this page for a picture, null where there is none. */
  address(attachment: Attachment): Promise<string | null>;
  /** Give another one, where nothing was found there. */
  otherAddress(attachment: Attachment): Promise<string | null>;
  save(attachment: Attachment): void;
}

export function attachmentsTemplate(
  attachments: readonly Attachment[], source: AttachmentSource,
): TemplateResult | typeof nothing {
  if (attachments.length === 0) return nothing;
  return html`<ul class="nbgc-files" aria-label=${strings.attachments}>
    ${attachments.map((one) => html`<li data-attachment=${one.id}>${isPicture(one) ? picture(one, source) : file(one, source)}</li>`)}
  </ul>`;
}

function picture(one: Attachment, source: AttachmentSource): TemplateResult {
  const fill = (element: Element | undefined): void => {
    if (element === undefined || element.hasAttribute("src")) return;
    const show = (address: string | null): void => {
      if (address === null) element.setAttribute("data-missing", "");
      else element.setAttribute("src", address);
    };
    element.addEventListener("error", () => void source.otherAddress(one).then(show), { once: true });
    void source.address(one).then(show);
  };
  return html`<figure class="nbgc-picture">
    <img
      alt=${strings.picture(one.name)}
      width=${one.width}
      height=${one.height}
      loading="lazy"
      decoding="async"
      ${ref(fill)}
    />
    <figcaption><bdi>${one.name}</bdi> <span>${one.width}×${one.height}</span> ${save(one, source)}</figcaption>
  </figure>`;
}

function file(one: Attachment, source: AttachmentSource): TemplateResult {
  return html`<details class="nbgc-file">
      <summary data-lm-suppress-shortcuts="true"><bdi>${one.name}</bdi> <span>${strings.fileSize(one.size)}</span></summary>
      <pre class="nbgc-code" dir="ltr" tabindex="0" data-lm-suppress-shortcuts="true"><code>${one.text}</code></pre>
      ${one.cut ? html`<p class="nbgc-note">${strings.fileGoesOn}</p>` : nothing}
    </details>
    ${save(one, source)}`;
}

function save(one: Attachment, source: AttachmentSource): TemplateResult {
  return html`<button
    type="button"
    class="nbgc-plain nbgc-save"
    data-lm-suppress-shortcuts="true"
    aria-label=${strings.saveFileLabel(one.name)}
    @click=${() => source.save(one)}
  >
    ${strings.saveFile}
  </button>`;
}
