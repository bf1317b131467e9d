/** Where a thread has come to with its last step: where it stands, and what it has entered on the way there. */
import { Body } from '../../language/interpreter/body.js';
import type { Activation } from '../../language/interpreter/code.js';
import { siteOf, type Thread } from '../../machine/index.js';
import { localsOf } from '../stack.js';

/** A place on a thread's stack. */
export interface Place {
  readonly site: number;
  /** Number of its frame, from the innermost. */
  readonly frame: number;
}

/** What entering a function can hit. */
export interface Entries {
  /** A byte for each site, not zero inside the functions that are meant. */
  readonly inside: Uint8Array;
  /** Whether beginning an operation of the scenario can be meant. */
  readonly operations: boolean;
}

/** Whether a thread has entered a function that is meant with its last step, or called on a marked line. Asked at every step. */
export function enters(thread: Thread, marks: Uint8Array, { inside, operations }: Entries): boolean {
  for (let d = thread.depth - 1; d >= 0 && thread.enteredAt(d); d--) {
    if (inside[thread.frameAt(d).site] === 1) return true;
    if (d === 0 ? operations : marks[thread.frameAt(d - 1).site] === 1) return true;
  }
  return false;
}

/** The lines that a thread has come to: the one where it stands, and those that called what it has entered. */
export function linesReached(thread: Thread): Place[] {
  const { depth } = thread;
  const places: Place[] = [{ site: thread.site, frame: 0 }];
  for (let d = depth - 1; d > 0 && thread.enteredAt(d); d--)
    places.push({ site: thread.frameAt(d - 1).site, frame: depth - d });
  return places;
}

/** The model functions that a thread has entered, outermost first, each with the place where it stands in it. */
export function functionsEntered(thread: Thread): (Place & { readonly fn: string })[] {
  const { depth } = thread;
  const entered: (Place & { fn: string })[] = [];
  for (let d = depth - 1; d >= 0 && thread.enteredAt(d); d--) {
    const { site } = thread.frameAt(d);
    entered.unshift({ site, frame: depth - 1 - d, fn: siteOf(site).fn });
  }
  return entered;
}

/** The operation of the scenario that a thread has begun with its last step: `kvm_vcpu` and `write`, for example. */
export function operationEntered(thread: Thread): { readonly on: string; readonly name: string } | null {
  if (thread.depth === 0 || !thread.enteredAt(0) || !(thread.driver instanceof Body)) return null;
  const frame = thread.driver.control.frame;
  const i = frame?.unit.code[frame.pc];
  if (i?.kind !== 'operation') return null;
  return i.choices[0]?.operation ?? null;
}

/** The `fn` of the scenario that a thread has entered with its last step; it stands before its first statement. */
export function fnEntered(thread: Thread): Activation | null {
  if (thread.depth > 0 || !(thread.driver instanceof Body)) return null;
  const frame = thread.driver.control.frame;
  return frame !== null && frame.unit.kind === 'fn' && frame.since === thread.steps ? frame : null;
}

/** Values of locals of a model function by their names; `undefined` for those that it does not have there. */
export function localValues(names: readonly string[], thread: Thread, frame: number): unknown[] {
  if (names.length === 0) return [];
  const at = thread.frames()[frame];
  const locals = new Map(at === undefined ? [] : localsOf(at));
  return names.map((name) => locals.get(name));
}
