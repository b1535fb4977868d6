/**
 * One place in the order of tabs for the toolbars of all messages: Tab comes to the newest, the arrow keys go on from there.
 * After the "toolbar" and "roving tabindex" patterns of the WAI-ARIA practices. It knows nothing of what the buttons do.
 */

const BUTTON = '[role="toolbar"] > button';

export class Rover {
  #current: HTMLElement | null = null;

  constructor(private readonly root: HTMLElement) {
    root.addEventListener("focusin", this.#focused);
    root.addEventListener("keydown", this.#keydown);
  }

  /** Find the button that Tab comes to, after what is there has changed. */
  place(): void {
    if (this.#current?.isConnected && this.#current.matches(":focus")) return;
    const newest = [...this.root.querySelectorAll('[role="toolbar"]')].at(-1)?.querySelector("button") ?? null;
    this.#move(newest);
  }

  dispose(): void {
    this.root.removeEventListener("focusin", this.#focused);
    this.root.removeEventListener("keydown", this.#keydown);
  }

  #move(to: HTMLElement | null): void {
    if (this.#current === to) return;
    this.#current?.setAttribute("tabindex", "-1");
    to?.setAttribute("tabindex", "0");
    this.#current = to;
  }

  readonly #focused = (event: FocusEvent): void => {
    const button = (event.target as Element).closest<HTMLElement>(BUTTON);
    if (button !== null) this.#move(button);
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    const button = (event.target as Element).closest<HTMLElement>(BUTTON);
    if (button === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = this.#next(button, event.key);
    if (next === undefined) return;
    event.preventDefault();
    next?.focus();
  };

  /** Give the button that a key leads to, null at an end, undefined for a key that leads nowhere. */
  #next(button: HTMLElement, key: string): HTMLElement | null | undefined {
    const bar = button.parentElement;
    const row = [...(bar?.children ?? [])].filter((one) => one.matches("button")) as HTMLElement[];
    const bars = [...this.root.querySelectorAll<HTMLElement>('[role="toolbar"]')];
    const forwards = getComputedStyle(button).direction === "rtl" ? -1 : 1;
    const beside = (by: number): HTMLElement | null => row[row.indexOf(button) + by] ?? null;
    const above = (by: number): HTMLElement | null => {
      const to = bars[bars.findIndex((one) => one === bar) + by];
      const same = [...(to?.children ?? [])].find((one) => one.getAttribute("data-tool") === button.dataset["tool"]);
      return (same ?? to?.firstElementChild ?? null) as HTMLElement | null;
    };
    switch (key) {
      case "ArrowRight":
        return beside(forwards);
      case "ArrowLeft":
        return beside(-forwards);
      case "ArrowUp":
        return above(-1);
      case "ArrowDown":
        return above(1);
      case "Home":
        return row[0] ?? null;
      case "End":
        return row.at(-1) ?? null;
      default:
        return undefined;
    }
  }
}
