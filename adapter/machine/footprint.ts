/** What a step read and wrote: the basis of conflicts between steps, of data-race checks and of data breakpoints. */
import type { KObject } from './object.js';

/** Hears of every access to kernel memory while it is set as the machine's watcher. */
export interface Watcher {
  touched(obj: KObject, slot: number, write: boolean): void;
  /** A slot was looked at without an access of kernel code; see `looked`. */
  looked?(obj: KObject, slot: number): void;
  /** A step begins. What is touched outside of steps is touched by those who look at the state. */
  began?(): void;
  /** The step has been taken. */
  ended?(): void;
}

/** Collects the accesses of one step. Locations are (object, slot) pairs; an access may be listed more than once. */
export class Footprint implements Watcher {
  readonly reads: { obj: KObject; slot: number }[] = [];
  readonly writes: { obj: KObject; slot: number }[] = [];

  touched(obj: KObject, slot: number, write: boolean): void {
    (write ? this.writes : this.reads).push({ obj, slot });
  }

  clear(): void {
    this.reads.length = 0;
    this.writes.length = 0;
  }

  /** Whether two steps of different threads may not be swapped: one writes what the other reads or writes. */
  conflictsWith(other: Footprint): boolean {
    const hits = (a: Footprint, b: Footprint) =>
      a.writes.some((w) => b.writes.some((x) => same(w, x)) || b.reads.some((x) => same(w, x)));
    return hits(this, other) || hits(other, this);
  }
}

const same = (a: { obj: KObject; slot: number }, b: { obj: KObject; slot: number }) =>
  a.obj === b.obj && a.slot === b.slot;
