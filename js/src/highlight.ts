/** Colours for code: text and the name of a language in, runs of text with a scope out. It knows nothing of pages. */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import julia from "highlight.js/lib/languages/julia";
import python from "highlight.js/lib/languages/python";
import r from "highlight.js/lib/languages/r";
import sql from "highlight.js/lib/languages/sql";
import yaml from "highlight.js/lib/languages/yaml";

/** A run of text; `scope` is one word of highlight.js, such as "keyword", or "" for none. */
export interface Colour {
  readonly scope: string;
  readonly text: string;
}

/** Longer code has no colours: the time they take grows with it. */
const LENGTH = 20_000;
const KEPT = 50;

/** An instance of our own: the page may have one too. */
const highlighter = hljs.newInstance();
const languages = { bash, javascript, json, julia, python, r, sql, yaml };
for (const [name, language] of Object.entries(languages)) highlighter.registerLanguage(name, language);
highlighter.registerAliases(["ipython", "ipython3", "python3"], { languageName: "python" });

const kept = new Map<string, readonly Colour[]>();

/** Give the runs of which code consists, null where nothing is known of its language. */
export function colours(code: string, language: string): readonly Colour[] | null {
  if (code.length > LENGTH || !/^[\w+#.-]+$/.test(language) || highlighter.getLanguage(language) === undefined) return null;
  const key = `${language}\n${code}`;
  const found = kept.get(key) ?? runs(code, language);
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
  return found;
}

/** What highlight.js could not read to its end has no colours. */
function runs(code: string, language: string): readonly Colour[] {
  const result = highlighter.highlight(code, { language, ignoreIllegals: true });
  if (result.errorRaised !== undefined) return [{ scope: "", text: code }];
  return (result as unknown as { _emitter: Runs })._emitter.runs;
}

/** What highlight.js tells its findings to, in place of its own, which makes HTML. Scopes in scopes are one: the inner. */
class Runs {
  readonly runs: Colour[] = [];
  readonly #scopes: string[] = [];

  addText(text: string): void {
    const scope = this.#scopes.at(-1) ?? "";
    const last = this.runs.at(-1);
    if (last?.scope === scope) this.runs[this.runs.length - 1] = { scope, text: last.text + text };
    else if (text !== "") this.runs.push({ scope, text });
  }

  startScope(name: string): void {
    this.#scopes.push(/^[a-z_]+/.exec(name)?.[0] ?? "");
  }

  endScope(): void {
    this.#scopes.pop();
  }

  // Not in the types, but used where one match has several scopes.
  openNode(name: string): void {
    this.startScope(name);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(other: unknown): void {
    for (const { scope, text } of (other as Runs).runs) {
      this.#scopes.push(scope);
      this.addText(text);
      this.#scopes.pop();
    }
  }

  finalize(): void {}

  toHTML(): string {
    return "";
  }
}

highlighter.configure({ __emitter: Runs });
