/** Who moves next. A scheduler only chooses; it never runs anything. */
import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';

/** What a scheduler says when asked who moves next. */
export type Choice =
  | { readonly kind: 'move'; readonly thread: Thread }
  /** Nobody can move, though some have not ended. */
  | { readonly kind: 'stuck' }
  /** The schedule asks for something that cannot happen; `message` says what, and where the thread went instead. */
  | { readonly kind: 'diverged'; readonly message: string; readonly site?: number };

/**
 * A schedule being followed. What it remembers is journaled (`Kept`), so that it goes back in time with the run. `choose` changes
 * nothing; it is `moved` and `look` that go on to what comes next, and they are called whoever chose the step.
 */
export interface Scheduler {
  /** How the schedule is written in a scenario. */
  readonly name: string;
  /** Chooses among the threads that take part now: those of the scenario, and the machine's own daemons. */
  choose(machine: Machine, threads: readonly Thread[]): Choice;
  /** A thread has taken a step, chosen by this scheduler or by a person. */
  moved(thread: Thread): void;
  /** The state is another: the threads begin, or a step was taken. */
  look?(machine: Machine, threads: readonly Thread[]): void;
}

export const STUCK: Choice = { kind: 'stuck' };
export const move = (thread: Thread): Choice => ({ kind: 'move', thread });

/** The first thread that can run, from position `from` on and around; interrupts (daemons) come before everybody else. */
export function firstRunnable(
  machine: Machine,
  threads: readonly Thread[],
  from: number,
): Thread | undefined {
  for (const t of threads) if (t.daemon && machine.runnable(t)) return t;
  for (let k = 0; k < threads.length; k++) {
    const t = threads[(from + k) % threads.length] as Thread;
    if (!t.daemon && machine.runnable(t)) return t;
  }
  return undefined;
}
