/**
 * What a model thinks before it answers, told apart from its answer. Pure: text in, both out. Where the template of a model
 * opens the thought, the reply begins within it and only closes it.
 */

const OPENING = "<think>";
const CLOSING = "</think>";

export interface Parts {
  /** Null where nothing was thought. */
  readonly thought: string | null;
  /** Whether it is still being thought. */
  readonly thinking: boolean;
  readonly answer: string;
}

export function parts(text: string): Parts {
  const said = text.trimStart();
  const opened = said.startsWith(OPENING);
  const end = said.indexOf(CLOSING);
  if (!opened && (end < 0 || said.lastIndexOf(OPENING, end) >= 0)) return { thought: null, thinking: false, answer: text };
  const begin = opened ? OPENING.length : 0;
  if (end < 0) return { thought: said.slice(begin).trim(), thinking: true, answer: "" };
  const thought = said.slice(begin, end).trim();
  return { thought: thought === "" ? null : thought, thinking: false, answer: said.slice(end + CLOSING.length).trimStart() };
}
