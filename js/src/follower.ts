/**
 * Keeps the end of the transcript in sight while one is reading there, and leaves it alone while one is reading elsewhere.
 * It knows nothing of messages, only of heights.
 */

/** Within so many pixels of the end, one is reading there. */
const NEAR_END = 40;
/** Within so many pixels of the beginning, one is about to read what is before it. */
const NEAR_BEGINNING = 400;

export class Follower {
  #following = true;
  #top = 0;
  #size = "";
  readonly #observer: ResizeObserver | null;

  /** `changed` is called when one begins or ends to read at the end, `atBeginning` when one scrolls up to the beginning. */
  constructor(
    private readonly scroller: HTMLElement,
    content: Element,
    private readonly changed: () => void,
    private readonly atBeginning: () => void = () => {},
  ) {
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.keep());
    this.#observer?.observe(scroller);
    this.#observer?.observe(content);
  }

  get following(): boolean {
    return this.#following;
  }

  /** Go to the end if one was there. */
  keep(): void {
    if (this.#following) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.#top = this.scroller.scrollTop;
    }
    this.#size = this.#sizeNow();
  }

  /** Bring an element into sight, and stay there. */
  bring(element: Element, block: ScrollLogicalPosition): void {
    this.keep();
    element.scrollIntoView({ block });
    this.#top = this.scroller.scrollTop;
    this.#set(this.#isWithin(1));
  }

  toEnd(): void {
    this.#set(true);
    this.keep();
  }

  /** Run something that puts content above what is in sight, and leave that where it is. */
  holding(change: () => void): void {
    const anchor = this.#anchor();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor?.isConnected && !this.#following) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#top = this.scroller.scrollTop;
  }

  dispose(): void {
    this.scroller.removeEventListener("scroll", this.#scrolled);
    this.#observer?.disconnect();
  }

  #anchor(): Element | null {
    const top = this.scroller.getBoundingClientRect().top;
    const articles = [...this.scroller.querySelectorAll("article")];
    return articles.find((article) => article.getBoundingClientRect().bottom > top) ?? null;
  }

  #sizeNow(): string {
    return `${this.scroller.clientWidth} ${this.scroller.clientHeight}`;
  }

  // Content that grows moves the end away without anybody scrolling: only going up is leaving. A window that shrinks may
  // scroll up by itself, since browsers hold on to what stands at the upper edge.
  readonly #scrolled = (): void => {
    if (this.#following && this.#size !== this.#sizeNow()) return this.keep();
    const { scrollTop } = this.scroller;
    if (scrollTop === this.#top) return;
    if (this.#isWithin(NEAR_END)) this.#set(true);
    else if (scrollTop < this.#top) this.#set(false);
    const up = scrollTop < this.#top;
    this.#top = scrollTop;
    if (up && scrollTop < NEAR_BEGINNING && !this.#following) this.atBeginning();
  };

  #isWithin(pixels: number): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight <= pixels;
  }

  #set(following: boolean): void {
    if (this.#following === following) return;
    this.#following = following;
    this.changed();
  }
}
