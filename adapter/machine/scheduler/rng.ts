import { Kept } from '../unseen.js';

/** A small seeded generator (mulberry32): equal seeds give equal sequences on every machine. It goes back in time with the run. */
export class Rng {
  private readonly kept: Kept<number>;

  constructor(seed: number) {
    this.kept = new Kept(seed | 0);
  }

  /** The next number, at least 0 and below 1. */
  next(): number {
    const state = (this.kept.value + 0x6d2b79f5) | 0;
    this.kept.value = state;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number, at least 0 and below `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
}
