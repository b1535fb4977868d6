/** Whether the panel is in sight: its page is the one that is shown, and the panel is within it. It knows nothing of what it shows. */

export class Sight {
  #within = true;
  readonly #observer: IntersectionObserver | null = null;

  /** `changed` is called when it comes into sight or goes. */
  constructor(element: Element, private readonly changed: () => void) {
    document.addEventListener("visibilitychange", this.changed);
    if (typeof IntersectionObserver === "undefined") return;
    this.#observer = new IntersectionObserver((seen) => {
      this.#within = seen.at(-1)?.isIntersecting ?? this.#within;
      this.changed();
    });
    this.#observer.observe(element);
  }

  get isThere(): boolean {
    return !document.hidden && this.#within;
  }

  dispose(): void {
    document.removeEventListener("visibilitychange", this.changed);
    this.#observer?.disconnect();
  }
}
