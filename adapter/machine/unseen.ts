/**
 * State that belongs to the debugger and not to the kernel: what rules remember, where a schedule stands, which phase a run is in.
 * It is journaled as kernel memory is, so that going back takes it back, but using it is no access of the kernel's: footprints,
 * data breakpoints and freed objects know nothing of it.
 */
import { journal } from './current.js';
import { KObject } from './object.js';

/** Base of such state. */
export abstract class Unseen extends KObject {
  /** Every number is a slot here: nothing of this is allocated or freed. */
  override $swap(slot: number, value: unknown): unknown {
    const now = this.$get(slot);
    this.$set(slot, value);
    return now;
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}

/** One value. */
export class Kept<T> extends Unseen {
  constructor(private v: T) {
    super();
  }
  get $name() {
    return 'kept';
  }
  get value(): T {
    return this.v;
  }
  set value(v: T) {
    if (v === this.v) return;
    if (journal !== null) journal.push(this, 0, this.v);
    this.v = v;
  }
  override $swap(_slot: number, value: unknown): unknown {
    const now = this.v;
    this.v = value as T;
    return now;
  }
  $get(): unknown {
    return this.v;
  }
  $set(_slot: number, v: unknown): void {
    this.v = v as T;
  }
}
