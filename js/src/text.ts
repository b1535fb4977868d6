/**
 * Whom a message's text mentions, and how it begins. Twin of `mention.py` in what counts as a mention.
 *
 * Pure: text in, runs of text out. How a text is shown, `markdown` knows.
 */

export interface Run {
  readonly kind: "prose" | "mention";
  readonly text: string;
}

/** A fenced block as in CommonMark 0.31, also an open one. A fence of backticks has none in the rest of its line. */
const FENCE = new RegExp(
  ["(`{3,})[^`\\n]*\\n[^]*?(?:^ {0,3}\\1`*[ \\t]*$|(?![^]))", "(~{3,})[^\\n]*\\n[^]*?(?:^ {0,3}\\2~*[ \\t]*$|(?![^]))"]
    .map((fence) => `^ {0,3}${fence}`)
    .join("|"),
  "gm",
);
/** It ends in the paragraph in which it begins, and an escaped backtick begins none. */
const SPAN = /(?<![\\`])(`+)(?!`)(?:(?!\n[ \t]*\n)[^])+?(?<!`)\1(?!`)/g;

/** Say whether `text` addresses the member that is mentioned as `mention`, such as "@llama". */
export function mentions(text: string, mention: string): boolean {
  return pattern(mention).test(prose(text));
}

/** Cut prose at each `mention`, such as "@llama". All runs together are the text. */
export function mentionRuns(text: string, mention: string): Run[] {
  const found: Run[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern(mention))) {
    if (match.index > end) found.push({ kind: "prose", text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    found.push({ kind: "mention", text: match[0] });
  }
  if (end < text.length) found.push({ kind: "prose", text: text.slice(end) });
  return found;
}

/** Give how a text begins, in one line of at most so many characters. */
export function beginning(text: string, length: number): string {
  const words = [...text.slice(0, 4 * length).replace(/\s+/g, " ").trim()];
  return words.length > length || text.length > 4 * length ? `${words.slice(0, length).join("").replace(/[\s.,;:]+$/, "")}…` : words.join("");
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
