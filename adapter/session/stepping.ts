/** Goals of a run: who moves, and after which step to stop. */
import type { Simulation } from '../language/run/index.js';
import type { Thread } from '../machine/index.js';

/** What a run is for. */
export interface Goal {
  /** The thread that moves while all others stay frozen; null when the schedule chooses. */
  readonly only: Thread | null;
  /** The thread that a step is about; null for `continue`. */
  readonly about: Thread | null;
  /** Nothing stops it but the end. */
  readonly free: boolean;
  /** Whether the step is done, asked after each step of the thread that it is about. */
  done(): boolean;
  /** Whether to stop before a thread moves, asked once for each step. */
  before?(thread: Thread): boolean;
}

/** To run on by the schedule, until something stops it. */
export const GO: Goal = { only: null, about: null, free: false, done: () => false };

/** To run to the end without debugging. */
export const FREE: Goal = { ...GO, free: true };

/** The kinds of steps, by the name of their request. */
export type Kind = 'next' | 'stepIn' | 'stepOut';

/** The goal of a step of a thread. `follow`: the schedule chooses who moves until the thread got there. */
export function step(sim: Simulation, thread: Thread, kind: Kind, follow: boolean): Goal {
  const arrived = thread.depth > 0 ? inModel(thread, kind) : inScenario(sim, thread, kind);
  return { only: follow ? null : thread, about: thread, free: false, done: () => thread.ended || arrived() };
}

/** In a kernel function: in is one step of the machine, over stays at this depth, out leaves this call. */
function inModel(thread: Thread, kind: Kind): () => boolean {
  const depth = thread.depth;
  if (kind === 'stepIn') return () => true;
  if (kind === 'next') return () => thread.depth <= depth;
  const { call } = thread.frameAt(depth - 1);
  return () => thread.depth < depth || thread.frameAt(depth - 1).call !== call;
}

/** At a scenario statement: in enters the operation that it calls, over runs it, out leaves the `fn` (or the thread) around it. */
function inScenario(sim: Simulation, thread: Thread, kind: Kind): () => boolean {
  if (kind === 'stepIn') return () => true;
  const depth = sim.scenarioDepth(thread);
  const deepest = kind === 'next' ? depth : depth - 1;
  return () => thread.depth === 0 && sim.scenarioDepth(thread) <= deepest;
}
