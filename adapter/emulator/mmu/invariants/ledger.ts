/** What the rules remember. */
import { journal, Unseen } from '../../../machine/index.js';

export { Kept } from '../../../machine/index.js';

/** Base of what the rules keep. */
export abstract class Notes extends Unseen {
  get $name() {
    return 'notes of a rule';
  }
}

/** Values by numbers (frames, entries, vCPUs). */
export class Ledger<T> extends Notes {
  protected readonly m = new Map<number, T>();

  get size(): number {
    return this.m.size;
  }
  has(key: number): boolean {
    return this.m.has(key);
  }
  get(key: number): T | undefined {
    return this.m.get(key);
  }
  /** Sets a value; undefined removes it. */
  put(key: number, value: T | undefined): void {
    const old = this.m.get(key);
    if (old === value) return;
    if (journal !== null) journal.push(this, key, old);
    this.$set(key, value);
  }
  /** The numbers, ascending. */
  keys(): number[] {
    return [...this.m.keys()].sort((a, b) => a - b);
  }
  $get(key: number): unknown {
    return this.m.get(key);
  }
  $set(key: number, value: unknown): void {
    if (value === undefined) this.m.delete(key);
    else this.m.set(key, value as T);
  }
}
