/**
 * The steps that kernel code takes. Each primitive *announces* one access and is awaited with `yield*`; the machine performs
 * the access when the scheduler lets the thread move, and `yield*` returns its result. So before every access the machine knows
 * what comes next, and whether the thread can take it.
 *
 * Accesses that a held lock makes private are plain field accesses and take no step (design, section 2).
 */
import { current, machine } from './current.js';
import type { Lock } from './lock.js';
import type { KObject } from './object.js';
import type { RwSemaphore } from './rwsem.js';

/** What a kernel function returns: awaited with `yield*`, gives a `T`. The build turns `yield*` into a call of the runner. */
export type Step<T> = Generator<unknown, T, unknown>;

/** Kinds of announced operations. */
export enum Op {
  /** The thread has ended. */
  ended,
  /** A scenario statement, run by the thread's driver. */
  statement,
  read,
  write,
  xchg,
  cmpxchg,
  or,
  and,
  /** An addition whose result is used. */
  add,
  /** An addition whose result nobody uses: two of them on one counter do not conflict. */
  count,
  acquire,
  release,
  /** Waits until a predicate holds. */
  until,
  /** A memory barrier, or another step that touches nothing shared. */
  barrier,
}

/** What each kind does, in words for the thread's description. */
export const opNames: readonly string[] = [
  'ended',
  'statement',
  'read',
  'write',
  'xchg',
  'cmpxchg',
  'or',
  'and',
  'add',
  'count',
  'lock',
  'unlock',
  'wait',
  'barrier',
];

function announce(op: Op, obj: KObject | null, slot: number, a: unknown, b: unknown): Step<never> {
  const t = current;
  t.op = op;
  t.obj = obj;
  t.slot = slot;
  t.a = a;
  t.b = b;
  return op as unknown as Step<never>;
}

const slotOf = (obj: KObject, key: string | number) => (typeof key === 'number' ? key : obj.$slotOf(key));

/** Reads a racy field, or an element of an array. */
export function READ_ONCE<O extends KObject, K extends keyof O & (string | number)>(
  obj: O,
  key: K,
): Step<O[K]> {
  return announce(Op.read, obj, slotOf(obj, key), 0, 0);
}
/** Writes a racy field, or an element of an array. */
export function WRITE_ONCE<O extends KObject, K extends keyof O & (string | number)>(
  obj: O,
  key: K,
  value: O[K],
): Step<void> {
  return announce(Op.write, obj, slotOf(obj, key), value, 0);
}
/** Stores `value` and returns what was there. */
export function xchg<O extends KObject, K extends keyof O & (string | number)>(
  obj: O,
  key: K,
  value: O[K],
): Step<O[K]> {
  return announce(Op.xchg, obj, slotOf(obj, key), value, 0);
}
/** Stores `value` if `old` is there; returns what was there. */
export function cmpxchg<O extends KObject, K extends keyof O & (string | number)>(
  obj: O,
  key: K,
  old: O[K],
  value: O[K],
): Step<O[K]> {
  return announce(Op.cmpxchg, obj, slotOf(obj, key), old, value);
}
/** Sets bits; returns the word as it was. */
export function fetch_or<O extends KObject>(
  obj: O,
  key: (keyof O & string) | number,
  bits: bigint,
): Step<bigint> {
  return announce(Op.or, obj, slotOf(obj, key), bits, 0);
}
/** Keeps only the bits of `mask`; returns the word as it was. */
export function fetch_and<O extends KObject>(
  obj: O,
  key: (keyof O & string) | number,
  mask: bigint,
): Step<bigint> {
  return announce(Op.and, obj, slotOf(obj, key), mask, 0);
}
/** Adds to a counter; returns the new value. */
export function atomic_add_return<O extends KObject>(
  obj: O,
  key: (keyof O & string) | number,
  n: number,
): Step<number> {
  return announce(Op.add, obj, slotOf(obj, key), n, 0);
}
/** Adds to a counter whose value the caller does not look at. */
export function atomic_add<O extends KObject>(
  obj: O,
  key: (keyof O & string) | number,
  n: number,
): Step<void> {
  return announce(Op.count, obj, slotOf(obj, key), n, 0);
}

/** Reads the 64-bit word at physical word address `pa`. */
export const read64 = (pa: number): Step<bigint> => announce(Op.read, machine.phys, pa, 0, 0);
/** Writes the 64-bit word at `pa`. */
export const write64 = (pa: number, value: bigint): Step<void> =>
  announce(Op.write, machine.phys, pa, value, 0);
/** Stores `value` at `pa` and returns what was there. */
export const xchg64 = (pa: number, value: bigint): Step<bigint> =>
  announce(Op.xchg, machine.phys, pa, value, 0);
/** Stores `value` at `pa` if `old` is there; returns what was there. */
export const cmpxchg64 = (pa: number, old: bigint, value: bigint): Step<bigint> =>
  announce(Op.cmpxchg, machine.phys, pa, old, value);
/** Clears the bits of `mask` in the word at `pa`; returns the word as it was. */
export const clear_bits64 = (pa: number, mask: bigint): Step<bigint> =>
  announce(Op.and, machine.phys, pa, ~mask, 0);

/** Takes a spinlock or mutex; the thread cannot run while another holds it. */
export const lock = (l: Lock): Step<void> => announce(Op.acquire, l, 0, 0, 0);
/** Gives a lock back. */
export const unlock = (l: Lock): Step<void> => announce(Op.release, l, 0, 0, 0);
/** Takes a semaphore for reading, as others may at the same time. */
export const down_read = (l: RwSemaphore): Step<void> => announce(Op.acquire, l, 1, 0, 0);
/** Gives it back. */
export const up_read = (l: RwSemaphore): Step<void> => announce(Op.release, l, 1, 0, 0);
export {
  lock as down_write,
  lock as spin_lock,
  lock as mutex_lock,
  unlock as up_write,
  unlock as spin_unlock,
  unlock as mutex_unlock,
};

/** Waits until `ready()` holds. `what` completes "waits for ..."; `obj` and `slot` are what the predicate looks at. */
export const wait_until = (
  what: string,
  ready: () => boolean,
  obj: KObject | null = null,
  slot = 0,
): Step<void> => announce(Op.until, obj, slot, ready, what);

/** A memory barrier. Memory is sequentially consistent, so it only gives other CPUs a turn. */
export const smp_mb = (): Step<void> => announce(Op.barrier, null, 0, 'barrier', 0);
/**
 * A step of the hardware's that can be seen from outside: an interrupt taken, a TLB filled, a word read by a page walk. The
 * model itself does the access right after this step begins, at `slot` of `obj` where it is an access at all.
 */
export const event_step = (what: string, obj: KObject | null = null, slot = 0): Step<void> =>
  announce(Op.barrier, obj, slot, what, 0);
