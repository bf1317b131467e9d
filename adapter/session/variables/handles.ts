/**
 * Numbers that a client uses for frames and values while the scenario is stopped. The same thing gets the same number again until
 * the scenario moves; a number of an earlier stop is never given to something else, so that it can be told to be stale.
 */
export class Handles<T> {
  private readonly numbers = new Map<string, number>();
  private readonly values = new Map<number, T>();
  private last = 0;

  /** The number of the thing with this key. */
  number(key: string, value: T): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = ++this.last;
    this.numbers.set(key, number);
    this.values.set(number, value);
    return number;
  }

  /** The thing with this number; undefined when it is of an earlier stop, or was never given. */
  get(number: number): T | undefined {
    return this.values.get(number);
  }

  /** Forgets everything: the scenario moves. */
  reset(): void {
    this.numbers.clear();
    this.values.clear();
  }
}
