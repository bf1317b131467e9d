/** Sets of places in kernel memory. */
import type { KObject } from './object.js';

/** Slots whose being there is a bit of a number. */
const BITS = 31;

/** A set of places. Most objects have few slots: theirs are the bits of one number. */
export class CellSet {
  private readonly low = new Map<KObject, number>();
  private readonly high = new Map<KObject, Set<number>>();

  /** Adds a place; returns whether it is new. */
  add(obj: KObject, slot: number): boolean {
    if (slot >= 0 && slot < BITS) {
      const bits = this.low.get(obj) ?? 0;
      const bit = 1 << slot;
      if ((bits & bit) !== 0) return false;
      this.low.set(obj, bits | bit);
      return true;
    }
    let slots = this.high.get(obj);
    if (slots === undefined) {
      slots = new Set();
      this.high.set(obj, slots);
    }
    const before = slots.size;
    return slots.add(slot).size > before;
  }
}
