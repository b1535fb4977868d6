/**
 * The form in which an instructor sets what a room allows, as a sheet beside the transcript. It asks for what holds when it
 * is opened, for the instructors' own words are told to nobody else, and sends what was changed and nothing more. It knows
 * nothing of how either is done.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { icon } from "./icon";
import type { PolicyAnswer, Refusal, RoomPolicy } from "./protocol";
import { strings } from "./strings";

export type PolicyChange = Partial<Omit<RoomPolicy, "mention">>;

export interface RuleFormActions {
  /** Change what the room allows; without a change, ask for it. */
  set(change: PolicyChange): Promise<PolicyAnswer | Refusal | null>;
  changed(): void;
  /** It was closed. */
  left(): void;
}

type Choices = Readonly<Record<string, string>>;

export class RuleForm {
  #open = false;
  #held: RoomPolicy | null = null;
  #problem: string | null = null;
  #saving = false;

  constructor(private readonly actions: RuleFormActions) {}

  open(): void {
    this.#open = true;
    this.#held = null;
    this.#problem = null;
    this.actions.changed();
    void this.#ask({}).then((policy) => {
      this.#held = policy;
      this.actions.changed();
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.actions.changed();
    this.actions.left();
  }

  template(): TemplateResult | typeof nothing {
    if (!this.#open) return nothing;
    return html`<section class="nbgc-sheet nbgc-ruleform" role="dialog" aria-label=${strings.rules} @keydown=${this.#keydown}>
      <header class="nbgc-sheet-head">
        <h3>${strings.rules}</h3>
        <button
          type="button"
          class="nbgc-tool nbgc-close"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.close}
          title=${strings.close}
          @click=${() => this.close()}
          ${ref(this.#focus)}
        >
          ${icon("close")}
        </button>
      </header>
      <div class="nbgc-sheet-body">
        ${this.#problem === null ? nothing : html`<p role="alert" data-problem>${this.#problem}</p>`}
        ${this.#held === null ? this.#waiting() : this.#form(this.#held)}
      </div>
    </section>`;
  }

  #waiting(): TemplateResult | typeof nothing {
    return this.#problem === null ? html`<p>${strings.fetching}</p>` : nothing;
  }

  #form(held: RoomPolicy): TemplateResult {
    const { field } = strings;
    return html`<form @submit=${this.#submit}>
      ${check("locked", field.locked, held.locked)} ${check("anonymous", field.anonymous, held.anonymous)}
      ${choice("agent", field.agent, strings.agentModes, held.agent)}
      ${area("prompt", field.prompt, held.prompt, 4000)}
      ${number("slow_seconds", field.slow, held.slow_seconds, 3600)}
      ${number("turns_per_hour", field.turns, held.turns_per_hour, 1000)}
      ${number("reply_tokens", field.tokens, held.reply_tokens, 65_536)}
      ${area("hours", field.hours, held.hours.join("\n"), 1000)} ${line("zone", field.zone, zoneOf(held))}
      ${choice("stop", field.stop, strings.allowed, held.stop)} ${choice("pin", field.pin, strings.allowed, held.pin)}
      ${choice("redact", field.redact, strings.allowed, held.redact)}
      <button class="nbgc-rules-save" data-lm-suppress-shortcuts="true" ?disabled=${this.#saving}>${strings.save}</button>
      <button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${() => this.close()}>
        ${strings.cancel}
      </button>
    </form>`;
  }

  /** Give what holds afterwards, null where that is not known. */
  async #ask(change: PolicyChange): Promise<RoomPolicy | null> {
    const answer = await this.actions.set(change);
    this.#problem = answer === null ? strings.notAnswered : "code" in answer ? answer.message : null;
    return answer === null || "code" in answer ? null : answer.policy;
  }

  // It is not in the page yet when it is made.
  readonly #focus = (button: Element | undefined): void => {
    queueMicrotask(() => (button as HTMLElement | undefined)?.focus());
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) this.close();
  };

  readonly #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    if (this.#held === null || this.#saving) return;
    this.#saving = true;
    this.actions.changed();
    const policy = await this.#ask(changeIn(form, this.#held));
    this.#saving = false;
    if (policy === null) this.actions.changed();
    else this.close();
  };
}

/** Give what a form says that does not hold yet. */
export function changeIn(form: HTMLFormElement, held: RoomPolicy): PolicyChange {
  const change: Record<string, unknown> = {};
  for (const field of form.querySelectorAll<HTMLInputElement>("[name]")) {
    const name = field.name as keyof RoomPolicy;
    const value = valueOf(field, held[name]);
    const before = name === "zone" ? zoneOf(held) : held[name];
    if (JSON.stringify(value) !== JSON.stringify(before)) change[name] = value;
  }
  // The zone that was offered counts from the moment there are hours in it.
  if ("hours" in change && zoneOf(held) !== held.zone) change["zone"] ??= zoneOf(held);
  return change as PolicyChange;
}

function valueOf(field: HTMLInputElement, before: unknown): unknown {
  if (typeof before === "boolean") return field.checked;
  if (typeof before === "number") return Math.max(0, Math.round(Number(field.value)) || 0);
  const text = field.value.trim();
  if (Array.isArray(before)) return text.split("\n").map((one) => one.trim().toLowerCase()).filter((one) => one !== "");
  return text;
}

/** The zone of the opening times; before there are any, that of whoever sets them. */
function zoneOf({ hours, zone }: RoomPolicy): string {
  return hours.length > 0 ? zone : (Intl.DateTimeFormat().resolvedOptions().timeZone ?? zone);
}

function labelled(label: string, control: TemplateResult): TemplateResult {
  return html`<label class="nbgc-rule"><span>${label}</span> ${control}</label>`;
}

function check(name: string, label: string, on: boolean): TemplateResult {
  return html`<label class="nbgc-rule nbgc-rule-check">
    <input type="checkbox" name=${name} data-lm-suppress-shortcuts="true" .defaultChecked=${on} /> <span>${label}</span>
  </label>`;
}

function choice(name: string, label: string, choices: Choices, chosen: string): TemplateResult {
  return labelled(label, html`<select name=${name} data-chosen=${chosen} ${ref(choose)} data-lm-suppress-shortcuts="true">
    ${Object.entries(choices).map(([value, words]) => html`<option value=${value}>${words}</option>`)}
  </select>`);
}

/** It has no options yet when it is made. The same function each time: what somebody chose later stays. */
function choose(element: Element | undefined): void {
  const select = element as HTMLSelectElement | undefined;
  queueMicrotask(() => {
    if (select !== undefined) select.value = select.dataset["chosen"] ?? "";
  });
}

function number(name: string, label: string, value: number, most: number): TemplateResult {
  return labelled(label, html`<input
    type="number" name=${name} min="0" max=${most} step="1" data-lm-suppress-shortcuts="true" .defaultValue=${String(value)}
  />`);
}

function line(name: string, label: string, value: string): TemplateResult {
  return labelled(label, html`<input name=${name} maxlength="64" data-lm-suppress-shortcuts="true" .defaultValue=${value} />`);
}

function area(name: string, label: string, value: string, most: number): TemplateResult {
  return labelled(label, html`<textarea
    name=${name} rows="3" maxlength=${most} data-lm-suppress-shortcuts="true" .defaultValue=${value}
  ></textarea>`);
}
