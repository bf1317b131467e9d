/** Kernel objects: what the machine allocates, journals, watches and frees. */
import { journal, looked, touch, watching } from './current.js';
import type { Stack } from './stack.js';

/** Who did something, and where: kept for an allocation and a free, and shown by a use-after-free report. */
export interface Trace {
  readonly thread: string;
  readonly step: number;
  /** The stack, or null where no thread was running. */
  readonly stack: Stack | null;
}

/** A place that can be read and written: an object of kernel memory and the number of one of its slots. */
export interface Cell {
  readonly obj: KObject;
  readonly slot: number;
}

/** The slot number that the journal uses for an object's being freed. */
export const FREED = -1;
/** The slot number that the journal uses for an object's being allocated: there is nothing to take back, but it was made there. */
export const ALLOCATED = -2;
/** Stands for all slots of an object, where somebody looks at it as a whole. */
export const WHOLE = -3;
/** Stands for what an object shows of the threads around it, which changes without being written. */
export const CHANGING = -4;

/**
 * Base of everything that lives in kernel memory. Subclasses keep their state in slots, and change it only through `$store`
 * (or a method that journals and has its own `$swap`), so that every change can be taken back, and made again.
 */
export abstract class KObject {
  /** `allocating thread * 2^24 + n-th allocation by that thread`: independent of how threads interleave (exploration 2.1). */
  $id = 0;
  $allocated: Trace | null = null;
  /** Set once the object was freed; any later touch is a use after free. */
  $freed: Trace | null = null;

  /** The kernel's name of the type. */
  abstract get $name(): string;
  /** The raw value of a slot: no watch, no journal. */
  abstract $get(slot: number): unknown;
  /** Sets the raw value of a slot: no watch, no journal. */
  abstract $set(slot: number, value: unknown): void;
  /** How a slot is called, for reports and paths: `mode`, `[17]`. */
  abstract $slotName(slot: number): string;

  /** Of an object that only stands for a place: which one, and what it is of a value that the place has held. */
  declare readonly $place?: { readonly cell: Cell; past(raw: unknown): unknown };

  /** Writes a value that a slot has held, where neither its declaration nor the value says how. */
  $text?(slot: number, raw: unknown): string;

  /** The number of a slot by its name. Throws for a name that is not one. */
  $slotOf(name: string): number {
    throw new Error(`${this.$name} has no slot named '${name}'`);
  }

  /**
   * Takes back one journaled change, and returns what makes it again when it is given to `$swap` in its place. Slot `FREED`
   * stands for the object's being freed.
   */
  $swap(slot: number, value: unknown): unknown {
    if (slot === FREED) {
      const freed = this.$freed;
      this.$freed = value as Trace | null;
      return freed;
    }
    if (slot === ALLOCATED) return value;
    const now = this.$get(slot);
    this.$set(slot, value);
    return now;
  }

  /** Reads a slot as expressions do: noticed by who collects what a value depends on, and no access of kernel code. */
  $look(slot: number): unknown {
    looked(this, slot);
    return this.$get(slot);
  }

  /** Whether changes of a slot can only be taken back in their order, because a slot does not stand for one place. */
  $ordered(_slot: number): boolean {
    return false;
  }

  /** Reads a slot as kernel code does: seen by watches, refused on freed memory. */
  $load(slot: number): unknown {
    if (watching || this.$freed !== null) touch(this, slot, false);
    return this.$get(slot);
  }

  /** Writes a slot as kernel code does: journaled, seen by watches, refused on freed memory. */
  $store(slot: number, value: unknown): void {
    if (watching || this.$freed !== null) touch(this, slot, true);
    if (journal !== null) journal.push(this, slot, this.$get(slot));
    this.$set(slot, value);
  }
}
