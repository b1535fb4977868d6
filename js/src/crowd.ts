/**
 * Says how many members have no place in the header. The style sheet lets those that do not fit wrap into lines that are out
 * of sight, where a screen reader still finds them. It knows nothing of members, only of places.
 */

import { strings } from "./strings";

export class Crowd {
  readonly #observer: ResizeObserver | null;

  constructor(
    private readonly list: HTMLElement,
    private readonly more: HTMLElement,
  ) {
    this.#observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.count());
    this.#observer?.observe(list.parentElement ?? list);
  }

  count(): void {
    // A list of several lines is as wide as it may be: it has to end where its first line does, and the count beside it.
    this.list.style.maxWidth = "";
    const items = [...this.list.children] as HTMLElement[];
    const line = items[0]?.offsetTop ?? 0;
    const out = items.filter((item) => item.offsetTop > line);
    const last = items[items.length - out.length - 1];
    if (out.length > 0 && last !== undefined) {
      const { left, right } = this.list.getBoundingClientRect();
      const end = last.getBoundingClientRect();
      const width = getComputedStyle(this.list).direction === "rtl" ? right - end.left : end.right - left;
      this.list.style.maxWidth = `${Math.ceil(width)}px`;
    }
    const text = out.length === 0 ? "" : strings.more(out.length);
    if (this.more.textContent !== text) this.more.textContent = text;
    this.more.title = out.map((item) => item.title).join(", ");
  }

  dispose(): void {
    this.#observer?.disconnect();
  }
}
