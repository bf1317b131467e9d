/**
 * Numbers that a client uses for frames and values. The same thing, by its key, has the same number at every stop, so that trees
 * stay open and going back shows what was there before. A number is good only at the stop at which it was given out, and is never
 * given to something else: so one of an earlier stop can be told to be stale.
 */

/** Things and keys that are remembered at the most; beyond that the ones that nobody has asked for the longest are forgotten. */
const MOST = 100_000;

export class Handles<T> {
  /** In the order in which they were last asked for. */
  private readonly numbers = new Map<string, number>();
  private readonly values = new Map<number, T>();
  private last = 0;

  constructor(private readonly most = MOST) {}

  /** The number of the thing with this key, which is now `value`. */
  number(key: string, value: T): number {
    const number = this.numbers.get(key) ?? ++this.last;
    this.numbers.delete(key);
    this.numbers.set(key, number);
    this.values.delete(number);
    this.values.set(number, value);
    if (this.numbers.size > this.most) forgetFirst(this.numbers);
    if (this.values.size > this.most) forgetFirst(this.values);
    return number;
  }

  /** The thing with this number; undefined when it is of an earlier stop, or was never given. */
  get(number: number): T | undefined {
    return this.values.get(number);
  }

  /** Forgets the things, but not their numbers: the scenario moves. */
  reset(): void {
    this.values.clear();
  }
}

function forgetFirst(map: Map<unknown, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
