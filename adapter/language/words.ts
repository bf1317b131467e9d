/** Words that scenarios choose from and that belong to no subsystem: declared once, for checks, completion, hover and running. */
import type { FailureKind } from '../machine/index.js';

/** A policy that a schedule can name. */
export interface Policy {
  readonly doc: string;
  /** Arguments that must be given. */
  readonly args: readonly string[];
}

/** The policies of `schedule`. */
export const POLICIES: Readonly<Record<string, Policy>> = {
  sequential: { doc: 'Switches only when a thread blocks or ends. The default.', args: [] },
  round_robin: { doc: 'Each thread takes one step in turn.', args: [] },
  random: { doc: 'Before each step a thread is drawn; the same seed draws the same.', args: ['seed'] },
  pct: {
    doc: 'Random priorities, changed at `depth - 1` random steps: finds a bug of that depth with a known probability.',
    args: ['seed', 'depth'],
  },
};

/** What may follow `expect`, and the failures that each stands for. */
export const OUTCOMES: Readonly<Record<string, readonly FailureKind[]>> = {
  violation: ['assertion', 'invariant'],
  deadlock: ['deadlock'],
  race: [],
  use_after_free: ['use_after_free'],
  panic: ['panic'],
};

/** Words of `use` that are neither options nor switches of a subsystem. */
export const USE_WORDS: Readonly<Record<string, string>> = {
  profile: 'The kernel version: a named set of switch values.',
  invariants: 'The rules of the kernel to check: `all` (the default), `none`, or a list of them.',
};
