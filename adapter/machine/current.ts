/**
 * The machine whose step is being executed, as the kernel's `current` is the task: set by the machine around every step, and
 * by nobody else. Model code runs only inside a step, so it need not carry the machine through every call. These are plain
 * module variables because every access of every model function looks at them.
 */
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import type { KObject } from './object.js';
import type { Thread } from './thread.js';

/** The machine that runs now. */
export let machine: Machine = undefined as unknown as Machine;
/** The thread that runs now. */
export let current: Thread = undefined as unknown as Thread;
/** Where writes are noted; null when nobody will go back. */
export let journal: Journal | null = null;
/** Whether somebody wants to hear of every access: a footprint is being recorded, or a field is watched. */
export let watching = false;

/** Makes `m` the running machine and `t` its running thread. */
export function enter(m: Machine, t: Thread): void {
  machine = m;
  current = t;
  journal = m.journal;
  watching = m.watcher !== null;
}

/** Does something whose writes are nobody's state, and are not noted: an expression that looks at the state has variables, too. */
export function unnoted<T>(act: () => T): T {
  const noting = journal;
  journal = null;
  try {
    return act();
  } finally {
    journal = noting;
  }
}

/**
 * Tells who collects what a value depends on that a slot was looked at: by an expression, and by no access of kernel code. `WHOLE`
 * stands for all slots, `CHANGING` for what changes without being written.
 */
export function looked(obj: KObject, slot: number): void {
  if (watching) machine.watcher?.looked?.(obj, slot);
}

/** Tells the machine that a slot is touched; throws when the object was freed. */
export function touch(obj: KObject, slot: number, write: boolean): void {
  machine.touched(obj, slot, write);
}
