/** Chance that can be had again: numbers that follow from a seed. */

export class Chance {
  constructor(private state: number) {}

  /** From 0 to below `limit`. After "mulberry32" by Tommy Ettinger, which is in the public domain. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  /** Where to cut a text so that its parts have at most so many characters. */
  cuts(length: number, longest: number): number[] {
    const found: number[] = [];
    for (let at = 0; at < length; ) found.push((at = Math.min(length, at + 1 + this.below(longest))));
    return found;
  }
}
