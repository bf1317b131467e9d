/**
 * What the rules remember. It is journaled as kernel memory is, so that going back takes it back, but using it is no access of
 * the kernel's: footprints, data breakpoints and freed objects know nothing of it.
 */
import { journal, KObject } from '../../../machine/index.js';

/** Base of what is kept: journaled, and no more. */
export abstract class Notes extends KObject {
  get $name() {
    return 'notes of a rule';
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
  override $undo(slot: number, old: unknown): void {
    this.$set(slot, old);
  }
}

/** One value. */
export class Kept<T> extends Notes {
  constructor(private v: T) {
    super();
  }
  get value(): T {
    return this.v;
  }
  set value(v: T) {
    if (v === this.v) return;
    if (journal !== null) journal.push(this, 0, this.v);
    this.v = v;
  }
  $get(): unknown {
    return this.v;
  }
  $set(_slot: number, v: unknown): void {
    this.v = v as T;
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
