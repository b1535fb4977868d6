/**
 * HTML that was made from what somebody wrote, as harmless nodes: the only place where text becomes markup.
 *
 * Covers: the tags and attributes of this list and nothing else, so neither script nor style, forms, images, frames, `id`,
 * `name`, `class` or `data-*`; parsing happens in a document that loads nothing. Does not cover: what is added afterwards,
 * by `dress` alone.
 */

import createPurifier, { type Config, type DOMPurify } from "dompurify";

/** What Markdown makes, and the carriers of `grammar`. */
export const TAGS: readonly string[] = [
  "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "a",
  "table", "thead", "tbody", "tr", "th", "td", "var", "dfn", "samp", "kbd", "mark",
];
export const ATTRIBUTES: readonly string[] = ["href", "start", "align"];

const CONFIG: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: [...TAGS],
  ALLOWED_ATTR: [...ATTRIBUTES],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  // These hold no addresses.
  ADD_URI_SAFE_ATTR: ["start", "align"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

let purifier: DOMPurify | null = null;

export function purify(html: string): DocumentFragment {
  purifier ??= createPurifier(window);
  return purifier.sanitize(html, CONFIG);
}
