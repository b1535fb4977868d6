/** Small signs on buttons. They say nothing to a screen reader: the button's label does. */

import { html, type TemplateResult } from "lit-html";

export type Sign =
  | "edit" | "remove" | "pin" | "unpin" | "explain" | "react" | "reply" | "again" | "go_on" | "search" | "close" | "more" | "link" | "attach" | "cell"
  | "rules" | "who";

const paths: Record<Sign, string> = {
  edit: "M3 13l.7-3L10.8 2.9a1.2 1.2 0 0 1 1.7 0l.6.6a1.2 1.2 0 0 1 0 1.7L6 12.3Z",
  remove: "M3 4.5h10M6.3 4.5V3h3.4v1.5M4.3 4.5l.6 8.5h6.2l.6-8.5M6.8 7v3.6M9.2 7v3.6",
  pin: "M6 2.5h4L9.6 7l2.4 2v1H4V9l2.4-2ZM8 10v4",
  unpin: "M6 2.5h4L9.6 7l2.4 2v1H4V9l2.4-2ZM8 10v4M2.5 2.5l11 11",
  explain: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8ZM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4ZM10.2 10.2l3.3 3.3",
  again: "M12.8 8a4.8 4.8 0 1 1-1.5-3.5M12.9 2.6v2.6h-2.6",
  go_on: "M3.5 4.2v7.6L8 8ZM8.8 4.2v7.6L13.3 8Z",
  reply: "M6.5 3.5 2.5 7.5l4 4M2.8 7.5h6.4a4 4 0 0 1 4 4v1",
  react: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2ZM5.4 9.4c1.2 1.9 4 1.9 5.2 0M6 6.2v.6M10 6.2v.6",
  close: "M4 4l8 8M12 4l-8 8",
  link: "M6.8 9.2a2.4 2.4 0 0 0 3.4 0l2.4-2.4a2.4 2.4 0 0 0-3.4-3.4L8 4.6M9.2 6.8a2.4 2.4 0 0 0-3.4 0L3.4 9.2a2.4 2.4 0 0 0 3.4 3.4L8 11.4",
  attach: "M12.8 7.2 7.6 12.4a3 3 0 0 1-4.2-4.2l5.6-5.6a2 2 0 0 1 2.8 2.8L6.4 10.8a1 1 0 0 1-1.4-1.4l4.6-4.6",
  cell: "M2 4h12v8H2ZM4.5 6.5 6 8 4.5 9.5M7.5 9.5h3",
  rules: "M2.5 4.5h5M11.5 4.5h2M2.5 11.5h2M8.5 11.5h5M9.5 2.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4ZM6.5 9.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4Z",
  who: "M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4ZM2.8 13.5c.5-2.7 2.6-4 5.2-4s4.7 1.3 5.2 4",
  more: "M4 6.2 8 10l4-3.8",
};

export function icon(sign: Sign): TemplateResult {
  return html`<svg class="nbgc-icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${paths[sign]} /></svg>`;
}
