/** The picture of a member: letters on a colour that comes from their name, and so is the same in every room, a sign for those that are no people. */

import { html, type TemplateResult } from "lit-html";
import type { Kind } from "./protocol";
import { initials } from "./server";

/** As many as `avatar.css` has colours for. A number instead of a colour, since inline styles fall to strict policies. */
const HUES = 12;

export function avatar(name: string, kind: Kind): TemplateResult {
  return html`<span class="nbgc-avatar" data-hue=${hue(name)} data-kind=${kind} aria-hidden="true">${sign(name, kind)}</span>`;
}

export function hue(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  return hash % HUES;
}

function sign(name: string, kind: Kind): TemplateResult | string {
  if (kind === "agent") {
    return html`<svg viewBox="0 0 16 16"><path d="M8 1.5 9.7 6.3 14.5 8 9.7 9.7 8 14.5 6.3 9.7 1.5 8 6.3 6.3Z" /></svg>`;
  }
  if (kind === "kernel") {
    return html`<svg viewBox="0 0 16 16"><path d="m3 4 4 4-4 4 1.2 1.2L9.4 8 4.2 2.8ZM9 11.5h5v1.7H9Z" /></svg>`;
  }
  return initials(name);
}
