/**
 * The Markdown that is spoken here: CommonMark 0.31 with tables, strikethrough, task lists, bare addresses and TeX, and
 * without HTML. A line break is one, as in every chat. Text in, tokens and HTML out; nothing of it touches a page.
 *
 * What is to be more than markup is carried through purification by elements that Markdown never makes: `var` and `dfn` are
 * formulas in a line and of their own, `samp` and `kbd` the language of a closed and of an open fence, `mark` the box of a
 * task. So nothing has to be believed that was written into an attribute. `dress` makes of them what people see.
 */

import createMarkdown, { type MarkdownIt, type RendererRule as Rule, type StateCore, type Token } from "markdown-it";
import { addFormulas } from "./formula";
import { address } from "./link";
import { strings } from "./strings";

export type { MarkdownIt, StateBlock, StateInline, Token } from "markdown-it";

export const DONE = "☑";
export const TODO = "☐";

const LANGUAGE_LENGTH = 24;

export const markdown: MarkdownIt = grammar();

function grammar(): MarkdownIt {
  const md = createMarkdown({ html: false, breaks: true, linkify: true, typographer: false });
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
  md.linkify.add("ftp:", null).add("//", null);
  md.validateLink = (href) => address(href) !== null;
  addFormulas(md);
  md.core.ruler.after("inline", "tasks", ({ tokens, Token }) => tasks(tokens, Token));
  const { escapeHtml } = md.utils;
  const carried = (element: string): Rule => (tokens, index) =>
    `<${element}>${escapeHtml(tokens[index]?.content ?? "")}</${element}>`;
  Object.assign(md.renderer.rules, {
    formula: carried("var"),
    formula_display: carried("dfn"),
    formula_block: carried("dfn"),
    formula_open: ((tokens, index) =>
      `<p>${escapeHtml(tokens[index]?.content ?? "").replaceAll("\n", "<br>\n")}</p>`) satisfies Rule,
    task: carried("mark"),
    fence: ((tokens, index) => fence(tokens[index], escapeHtml)) satisfies Rule,
    code_block: ((tokens, index) => `<pre><code>${escapeHtml(tokens[index]?.content ?? "")}</code></pre>`) satisfies Rule,
    image: ((tokens, index, options, env, self) => {
      const token = tokens[index];
      const words = strings.picture(self.renderInlineAsText(token?.children ?? [], options, env));
      const inLink = tokens.slice(0, index).reduce((depth, { type }) => depth + (type === "link_open" ? 1 : type === "link_close" ? -1 : 0), 0);
      return inLink > 0 ? escapeHtml(words) : `<a href="${escapeHtml(String(token?.attrGet("src") ?? ""))}">${escapeHtml(words)}</a>`;
    }) satisfies Rule,
    th_open: cell,
    td_open: cell,
  });
  return md;
}

/** Colours come once a fence is closed; until then every line could change those before it. */
function fence(token: Token | undefined, escape: (text: string) => string): string {
  if (token === undefined) return "";
  const { content, info, map } = token;
  const lines = content.split("\n").length - (content.endsWith("\n") || content === "" ? 1 : 0);
  const closed = map !== null && map[1] - map[0] - 1 > lines;
  const language = info.trim().split(/\s/, 1)[0]?.slice(0, LANGUAGE_LENGTH) ?? "";
  const carrier = closed ? "samp" : "kbd";
  return `<pre><${carrier}>${escape(language)}</${carrier}><code>${escape(content)}</code></pre>`;
}

/** The alignment of a column as an attribute: styles of content are never taken. */
function cell(tokens: readonly Token[], index: number): string {
  const token = tokens[index];
  const align = /^text-align:(left|center|right)$/.exec(String(token?.attrGet("style") ?? ""))?.[1];
  return align === undefined ? `<${token?.tag ?? "td"}>` : `<${token?.tag ?? "td"} align="${align}">`;
}

/** Put a box in place of the `[ ]` or `[x]` with which an item of a list begins. */
function tasks(tokens: readonly Token[], Made: StateCore["Token"]): void {
  tokens.forEach((token, index) => {
    const first = token.children?.[0];
    if (token.type !== "inline" || first?.type !== "text") return;
    if (tokens[index - 1]?.type !== "paragraph_open" || tokens[index - 2]?.type !== "list_item_open") return;
    const found = /^\[([ xX])\](?=\s)/.exec(first.content);
    if (found === null) return;
    const box = Object.assign(new Made("task", "", 0), { content: found[1] === " " ? TODO : DONE });
    first.content = first.content.slice(found[0].length);
    token.children?.unshift(box);
  });
}
