/**
 * What a message says, as a part of the panel's templates: its Markdown, at the pace at which it may be shown, with what a
 * model thought before it folded away. It knows nothing of the message around it.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { AsyncDirective } from "lit-html/async-directive.js";
import { directive, type ElementPart } from "lit-html/directive.js";
import { systemClock, type Clock } from "./clock";
import type { Dress } from "./dress";
import { pressed } from "./fence";
import { Markdown } from "./markdown";
import { Pace } from "./pace";
import { strings } from "./strings";
import { parts } from "./thought";

export interface Saying extends Dress {
  readonly text: string;
  /** It is still growing. */
  readonly open: boolean;
  readonly edited: boolean;
  /** It may begin with what a model thought. */
  readonly reply: boolean;
}

export function sayingTemplate(saying: Saying): TemplateResult {
  const { text, open, edited, reply } = saying;
  const { thought, thinking, answer } = reply ? parts(text) : { thought: null, thinking: false, answer: text };
  const mark = edited ? strings.editedMark : nothing;
  const press = (event: Event): void => pressed(event, saying);
  return html`${thought === null ? nothing : html`<details class="nbgc-thought">
        <summary data-lm-suppress-shortcuts="true">${thinking && open ? strings.thinking : strings.thought}</summary>
        <div class="nbgc-thinking" dir="auto" @click=${press} ${markdown(thought, saying, open)}></div>
      </details>`}<div class="nbgc-text" dir="auto" data-edited=${mark} @click=${press} ${markdown(answer, saying, open)}></div>`;
}

/** Somebody may set the system's clock back. */
const steadyClock: Clock = { ...systemClock, now: () => performance.now() };

/** Shows Markdown in the element it stands at. */
class MarkdownDirective extends AsyncDirective {
  #markdown: Markdown | null = null;
  #pace: Pace | null = null;
  #wasOpen = false;
  #text: string | null = null;

  render(_text: string, _look: Dress, _open: boolean): typeof nothing {
    return nothing;
  }

  override update(part: ElementPart, [text, look, open]: [string, Dress, boolean]): typeof nothing {
    const shown = (this.#markdown ??= new Markdown(part.element));
    const pace = (this.#pace ??= new Pace(steadyClock, document));
    const show = (): void => shown.show(text, look, this.#wasOpen && !open);
    // What does not grow is shown at once and takes no part in the pace, so the first piece that follows is, too.
    const grows = open && this.#text !== null && text !== this.#text && text !== "";
    if (grows) pace.ask(show);
    else if (!open || text === "" || !pace.waits) {
      pace.stop();
      show();
    }
    this.#wasOpen = open;
    this.#text = text;
    return nothing;
  }

  override disconnected(): void {
    this.#pace?.stop();
  }
}

const markdown = directive(MarkdownDirective);
