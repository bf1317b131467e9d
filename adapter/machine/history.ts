/**
 * Going back in time (exploration 3). Memory goes back by undoing the journal. The stack of a thread that is inside an operation
 * cannot be copied and taken back, so it is rebuilt: memory walks back to where the operation began and forward again, and on the
 * way the steps of that operation are run once more. A thread that has not moved since needs nothing: its stack is as it was. So
 * going back costs what has been done since, and what the unfinished operations have done so far.
 */
import type { Journal } from './journal.js';
import type { Machine, Rebuilding } from './machine.js';
import { Frame } from './memory.js';
import type { KObject } from './object.js';
import type { Thread } from './thread.js';

/** The journal does not reach back far enough to rebuild the stacks as they were at a step. */
export class BeyondJournal extends Error {
  constructor(
    readonly step: number,
    readonly first: number,
  ) {
    super(`the journal reaches back to step ${first} only, and no longer to step ${step}`);
  }
}

/** A thread that has moved since the step to which the machine goes back. */
interface Moved {
  readonly thread: Thread;
  /** Steps and allocations that it has to give back. */
  readonly steps: number;
  readonly allocations: number;
  /** Where it stands before the first of those. */
  readonly site: number;
  readonly depth: number;
  /** The step that began the operation in which it is; -1 when it is between two. */
  readonly began: number;
}

/**
 * Takes a machine back to when `step` steps had been taken. Throws `BeyondJournal`, and has changed nothing then.
 *
 * What is not in the journal is not taken back: that is the caller's, such as breakpoints, listeners and recorded choices.
 */
export function goBack(machine: Machine, step: number): void {
  const journal = machine.journal;
  if (journal === null || step >= journal.steps) return;
  if (step < journal.firstStep) throw new BeyondJournal(step, journal.firstStep);
  const moved = movedSince(machine, journal, step);
  machine.attach(machine.threads[0]);
  journal.undoTo(step);
  machine.rewound(step);
  for (const m of moved) {
    m.thread.steps -= m.steps;
    m.thread.allocations -= m.allocations;
    m.thread.unwind();
  }
  rebuild(machine, journal, step, moved);
  for (const m of moved) {
    machine.attach(m.thread);
    m.thread.driver.restored(m.thread, m.began >= 0);
    check(m);
  }
  machine.rewound(step);
}

/**
 * Takes a machine back to the last checkpoint at or before `step`, further than the journal reaches, and returns its step: from
 * there the run goes forwards again. Throws `BeyondJournal` when there is none, and has changed nothing then.
 */
export function goBackToCheckpoint(machine: Machine, step: number): number {
  const journal = machine.journal;
  const checkpoint = journal?.checkpoints.before(step);
  if (journal === null || checkpoint === undefined) throw new BeyondJournal(step, journal?.firstStep ?? step);
  machine.attach(machine.threads[0]);
  journal.restore(checkpoint);
  machine.rewound(checkpoint.step);
  for (const t of machine.threads) {
    t.steps = checkpoint.steps[t.index] ?? 0;
    t.allocations = checkpoint.allocations[t.index] ?? 0;
    t.unwind();
    machine.attach(t);
    t.driver.restored(t, false);
  }
  machine.rewound(checkpoint.step);
  return checkpoint.step;
}

/** The step that begins the operation in which a thread is before `step`, of which it is known that it is in one. */
function beginOf(journal: Journal, thread: Thread, step: number): number {
  for (let s = step - 1; s >= journal.firstStep; s--)
    if (journal.threadOf(s) === thread.index && journal.depthOf(s) <= thread.driver.base) return s;
  throw new BeyondJournal(step, journal.firstStep);
}

function movedSince(machine: Machine, journal: Journal, step: number): Moved[] {
  return [...journal.doneSince(step)].map(([index, { first, steps, allocations }]) => {
    const thread = machine.threads[index] as Thread;
    const { site, depth } = journal.stepInfo(first);
    const began = depth > thread.driver.base ? beginOf(journal, thread, step) : -1;
    return { thread, steps, allocations, site, depth, began };
  });
}

/** Runs the unfinished operations again, each from its start. */
function rebuild(machine: Machine, journal: Journal, step: number, moved: readonly Moved[]): void {
  const within = moved.filter((m) => m.began >= 0);
  if (within.length === 0) return;
  const first = Math.min(...within.map((m) => m.began));
  for (const m of within) {
    for (let s = m.began; s < step; s++) if (journal.threadOf(s) === m.thread.index) m.thread.steps--;
  }
  journal.walkBack(first);
  for (let s = first; s < step; s++) {
    const index = journal.threadOf(s);
    const m = within.find((w) => w.thread.index === index && w.began <= s);
    if (m !== undefined) {
      machine.rewound(s);
      if (m.began === s) {
        machine.attach(m.thread);
        m.thread.unwind();
        m.thread.driver.restored(m.thread, false);
      }
      machine.runAgain(m.thread, new Again(journal.allocated(s)), journal);
    }
    journal.redo(s);
  }
  machine.rewound(step);
}

/** Hands out again what a step has allocated. */
class Again implements Rebuilding {
  constructor(private readonly made: Iterator<KObject | Frame>) {}

  object(): KObject {
    const next = this.made.next().value as KObject | Frame | undefined;
    if (next === undefined || next instanceof Frame) throw hidden('allocates something else than before');
    return next;
  }
  frame(): Frame {
    const next = this.made.next().value as KObject | Frame | undefined;
    if (!(next instanceof Frame)) throw hidden('allocates something else than before');
    return next;
  }
}

/** A thread that was rebuilt stands where it stood: else a kernel function depends on something that is in no declared memory. */
function check({ thread, site, depth }: Moved): void {
  if (thread.site !== site || thread.depth !== depth)
    throw hidden(`${thread.name} does not come to stand where it stood`);
}

const hidden = (what: string) =>
  new Error(`going back: ${what}; a kernel function reads state that is in no declared memory`);
