/**
 * A text that grows, as blocks of Markdown. What is closed is parsed once; only the open tail is parsed again, and the result
 * is what parsing the whole would give. Text in, HTML out; it knows nothing of pages.
 *
 * A block is closed when another one has begun after it on a line that is complete. Which block begins on a line is decided
 * by that line alone, but for tables, which need the next one too, and for definitions of links, which reach over several
 * lines and make no block: after one the next block only counts behind an empty line. A definition that changes closed
 * blocks, which had looked for it in vain, opens all of them again.
 */

import { markdown, type Token } from "./grammar";

type References = Record<string, { title: string; href: string }>;

/** The first `kept` blocks stay as they are; all that follows is `html`, one element for each block. */
export interface Growth {
  readonly kept: number;
  readonly html: string;
}

interface Parsed {
  readonly tokens: Token[];
  readonly defined: References;
  /** The labels that were looked for and not found. */
  readonly missed: ReadonlySet<string>;
}

export class Blocks {
  #text = "";
  /** How much of the text is closed, and how many blocks that is. */
  #closed = 0;
  #count = 0;
  #defined: References = {};
  #missed = new Set<string>();

  /** Take the text as it is now. It may also be another one than before. */
  take(text: string): Growth {
    const whole = text.replace(/\r\n?/g, "\n");
    if (!whole.startsWith(this.#text)) this.#reopen();
    this.#text = whole;
    let parsed = this.#parse(whole.slice(this.#closed));
    if (Object.keys(parsed.defined).some((label) => this.#missed.has(label))) {
      this.#reopen();
      parsed = this.#parse(whole);
    }
    const growth = { kept: this.#count, html: markdown.renderer.render(parsed.tokens, markdown.options, {}) };
    this.#close(parsed.tokens, parsed.defined);
    return growth;
  }

  #reopen(): void {
    this.#closed = 0;
    this.#count = 0;
    this.#defined = {};
    this.#missed = new Set();
  }

  #parse(text: string): Parsed {
    const defined: References = Object.create(null) as References;
    const asked = new Set<string>();
    const references = new Proxy(defined, {
      get: (_, label) => {
        if (typeof label !== "string") return undefined;
        asked.add(label);
        return Object.hasOwn(this.#defined, label) ? this.#defined[label] : defined[label];
      },
    });
    const tokens = markdown.parse(text, { references });
    const missed = new Set([...asked].filter((label) => !Object.hasOwn(this.#defined, label) && !(label in defined)));
    return { tokens, defined, missed };
  }

  #close(tokens: readonly Token[], defined: References): void {
    const tail = this.#text.slice(this.#closed);
    const starts = tokens.filter((token) => token.level === 0 && token.nesting >= 0 && token.map !== null);
    const lines = lineStarts(tail);
    const boundary = lastCertain(starts, lines, tail);
    if (boundary === 0) return;
    const end = lines[starts[boundary]?.map?.[0] ?? 0] ?? 0;
    const part = this.#parse(tail.slice(0, end));
    // What is closed may not hang on a definition that can still change.
    if (Object.keys(defined).some((label) => !(label in part.defined))) return;
    Object.assign(this.#defined, part.defined);
    for (const label of part.missed) this.#missed.add(label);
    this.#closed += end;
    this.#count += boundary;
  }
}

/** Give the place of the last block whose beginning no text to come can change; 0 where that closes nothing. */
function lastCertain(starts: readonly Token[], lines: readonly number[], text: string): number {
  // With as many beginnings as there are complete lines, the last line is not complete.
  const complete = lines.length - 1;
  for (let index = starts.length - 1; index > 0 && index >= starts.length - 2; index -= 1) {
    const { type, map } = starts[index] as Token;
    const line = map?.[0] ?? 0;
    if (line + (type === "table_open" ? 1 : 0) >= complete) continue;
    const before = text.slice(lines[line - 1], lines[line]).trim() === "" || (starts[index - 1]?.map?.[1] ?? 0) >= line;
    return before ? index : 0;
  }
  return 0;
}

/** Where each line begins; the last one, which may be empty, is not complete. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
