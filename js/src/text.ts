/**
 * What is in a message's text: prose, code and mentions. Twin of `mention.py` in what counts as a mention.
 *
 * Pure: text in, runs of text out. Nothing here makes markup, so nothing that somebody wrote can become any.
 */

export interface Run {
  readonly kind: "prose" | "mention" | "code";
  readonly text: string;
}

/** A fenced block as in CommonMark 0.31, also an open one. A fence of backticks has none in the rest of its line. */
const FENCE = new RegExp(
  ["(`{3,})[^`\\n]*\\n[^]*?(?:^ {0,3}\\1`*[ \\t]*$|(?![^]))", "(~{3,})[^\\n]*\\n[^]*?(?:^ {0,3}\\2~*[ \\t]*$|(?![^]))"]
    .map((fence) => `^ {0,3}${fence}`)
    .join("|"),
  "gm",
);
const CLOSING = /(?:^|\n) {0,3}(?:`{3,}|~{3,})[ \t]*$/;
/** It ends in the paragraph in which it begins, and an escaped backtick begins none. */
const SPAN = /(?<![\\`])(`+)(?!`)(?:(?!\n[ \t]*\n)[^])+?(?<!`)\1(?!`)/g;

/** Say whether `text` addresses the member that is mentioned as `mention`, such as "@llama". */
export function mentions(text: string, mention: string): boolean {
  return pattern(mention).test(prose(text));
}

/**
 * Cut a text into fenced code and the rest, and that at `mention` where one is given. A text without fences stays as it is;
 * at a fence, the line break and one empty line go, since a block stands apart anyway.
 */
export function runs(text: string, mention: string | null): Run[] {
  const found: Run[] = [];
  let end = 0;
  for (const fence of text.matchAll(FENCE)) {
    found.push(...proseRuns(text.slice(end, fence.index).replace(/\n{1,2}$/, ""), mention));
    found.push({ kind: "code", text: codeOf(fence[0]) });
    end = fence.index + fence[0].length;
  }
  const rest = text.slice(end);
  return [...found, ...proseRuns(end > 0 ? rest.replace(/^\n{1,2}/, "") : rest, mention)];
}

/** Give how a text begins, in one line of at most so many characters. */
export function beginning(text: string, length: number): string {
  const words = [...text.slice(0, 4 * length).replace(/\s+/g, " ").trim()];
  return words.length > length || text.length > 4 * length ? `${words.slice(0, length).join("").replace(/[\s.,;:]+$/, "")}…` : words.join("");
}

function codeOf(fence: string): string {
  return fence.slice(fence.indexOf("\n") + 1).replace(CLOSING, "");
}

function proseRuns(text: string, mention: string | null): Run[] {
  if (text === "") return [];
  if (mention === null) return [{ kind: "prose", text }];
  const found: Run[] = [];
  let end = 0;
  for (const match of prose(text).matchAll(pattern(mention))) {
    if (match.index > end) found.push({ kind: "prose", text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    found.push({ kind: "mention", text: text.slice(match.index, end) });
  }
  if (end < text.length) found.push({ kind: "prose", text: text.slice(end) });
  return found;
}

/** Blank out code, keeping every place where it is. */
function prose(text: string): string {
  const blank = (code: string): string => " ".repeat(code.length);
  return text.replace(FENCE, blank).replace(SPAN, blank);
}

function pattern(mention: string): RegExp {
  const name = mention.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const word = "\\p{L}\\p{N}_";
  return new RegExp(`(?<![${word}@/\`\\-])(?<![${word}]\\.)${name}(?![${word}@/\`\\-]|\\.[${word}])`, "giu");
}
