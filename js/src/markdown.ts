/**
 * A message's text in the page: shows Markdown, also while it grows, by the least change. After any sequence of texts the
 * nodes are those that showing the last one alone gives. Where rendering fails, the text is shown as it was written.
 *
 * It knows nothing of messages, nor of when it is time to show something (`pace`).
 */

import { Blocks, type Growth } from "./blocks";
import { dress, type Dress } from "./dress";
import { morph } from "./morph";
import { purify } from "./purify";

export class Markdown {
  #blocks = new Blocks();
  #shown: string | null = null;
  #look: Dress | null = null;

  /** Every child of `place` belongs to this. */
  constructor(private readonly place: Element) {}

  /** Show a text. With `anew` nothing is taken for granted of what was shown before. */
  show(text: string, look: Dress, anew = false): void {
    const same = this.#look !== null && isSame(this.#look, look);
    if (same && text === this.#shown && !anew) return;
    if (!same || anew) this.#blocks = new Blocks();
    this.#look = look;
    this.#shown = text;
    try {
      this.#render(this.#blocks.take(text), look);
    } catch {
      this.#blocks = new Blocks();
      const plain = document.createElement("p");
      plain.className = "nbgc-plain-text";
      plain.textContent = text;
      morph(this.place, 0, [plain]);
    }
  }

  #render({ kept, html }: Growth, look: Dress): void {
    const fragment = purify(html);
    dress(fragment, look);
    // Between blocks there is only white space. Elsewhere it may be what somebody wrote.
    morph(this.place, kept, [...fragment.children]);
  }
}

function isSame(one: Dress, other: Dress): boolean {
  return one.mention === other.mention && one.asks === other.asks && one.insert === other.insert;
}
