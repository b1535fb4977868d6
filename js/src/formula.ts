/**
 * Finds TeX in Markdown: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` in one or as a block. Rules for markdown-it; how a
 * formula looks, `math` knows.
 *
 * Money is no formula: as in Pandoc, an opening `$` stands before what is not white space, a closing one after such and not
 * before a digit. A block is decided by the line that opens it and ends at an empty line at the latest, so that nothing
 * that follows can change what stands before it.
 */

import type { MarkdownIt, StateBlock, StateInline } from "./grammar";

const DOLLAR = 0x24;
const BACKSLASH = 0x5c;
const CLOSING: Readonly<Record<string, string>> = { "$$": "$$", "\\[": "\\]", "\\(": "\\)" };

export function addFormulas(md: MarkdownIt): void {
  md.inline.ruler.before("escape", "formula", inline);
  md.block.ruler.before("fence", "formula", block, { alt: ["paragraph", "reference", "blockquote", "list"] });
}

function inline(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  const found = inlineFormula(src.slice(0, posMax), pos);
  if (found === null) return false;
  if (!silent) state.push(found.display ? "formula_display" : "formula", "", 0).content = found.tex;
  state.pos = found.end;
  return true;
}

interface Found {
  readonly tex: string;
  readonly end: number;
  readonly display: boolean;
}

/** Give the formula that begins at `start`, null where none does. */
function inlineFormula(text: string, start: number): Found | null {
  const code = text.charCodeAt(start);
  if (code !== DOLLAR && code !== BACKSLASH) return null;
  const opening = text.slice(start, start + 2);
  const closing = CLOSING[opening];
  if (closing !== undefined) {
    const end = text.indexOf(closing, start + 2);
    const tex = end < 0 ? "" : text.slice(start + 2, end);
    return tex.trim() === "" ? null : { tex, end: end + 2, display: opening !== "\\(" };
  }
  return code === DOLLAR ? dollars(text, start) : null;
}

function dollars(text: string, start: number): Found | null {
  if (/\s|^$/.test(text.charAt(start + 1))) return null;
  let end = start + 1;
  while (end < text.length && text.charCodeAt(end) !== DOLLAR) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  if (end >= text.length || /\s/.test(text.charAt(end - 1)) || /\d/.test(text.charAt(end + 1))) return null;
  return { tex: text.slice(start + 1, end), end: end + 1, display: false };
}

function block(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const line = (number: number): string =>
    state.src.slice((state.bMarks[number] ?? 0) + (state.tShift[number] ?? 0), state.eMarks[number]).trimEnd();
  if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const opening = line(startLine);
  const closing = CLOSING[opening.slice(0, 2)];
  if (closing === undefined || closing === "\\)") return false;
  const rest = opening.slice(2);
  const closed = rest.length > 2 && rest.endsWith(closing) && rest.indexOf(closing) === rest.length - 2;
  // Anything else on the line is a sentence with a formula, or none.
  if (!closed && rest !== "") return false;
  if (silent) return true;

  let next = startLine + 1;
  let found = closed;
  while (!found && next < endLine && !state.isEmpty(next) && (state.sCount[next] ?? 0) >= state.blkIndent) {
    found = line(next).endsWith(closing);
    next += 1;
  }
  const tex = closed ? rest.slice(0, -2) : state.getLines(startLine + 1, next, state.blkIndent, false).trimEnd();
  const token = state.push(found ? "formula_block" : "formula_open", "", 0);
  token.block = true;
  token.map = [startLine, next];
  token.content = found ? (closed ? tex : tex.slice(0, -2)) : `${opening}\n${tex}`;
  state.line = next;
  return true;
}
