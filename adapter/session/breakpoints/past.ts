/** Which steps of the past can be skipped on the way back, told from the journal alone. */
import type { Simulation } from '../../language/run/index.js';
import { type Journal, Lock, PhysicalMemory } from '../../machine/index.js';
import type { Entries } from './arrivals.js';
import type { DataBreakpoints } from './data.js';
import type { Fits } from './watch.js';

/** What a step must have written for an event of a kind to have happened in it; `any` when nothing can be told. */
export type Footmark = 'lock' | 'memory' | 'any';

/** What the breakpoints look for. */
export interface Wanted {
  /** A byte for each site, not zero where a thread may stop before its step. */
  readonly marks: Uint8Array | null;
  readonly entries: Entries | null;
  /** Marked sites in the kernel model that may be calls: no step is taken there, but functions are entered from there. */
  readonly calls: ReadonlySet<number>;
  readonly locks: ReadonlySet<string>;
  readonly events: ReadonlySet<Footmark>;
  readonly data: Pick<DataBreakpoints, 'concern' | 'unforeseeable' | 'quiet'>;
}

/** Whether a thread may have entered a function that is meant, or called on a marked line, with its step before this one. */
function entered(journal: Journal, step: number, { inside, operations }: Entries, calls: boolean): boolean {
  const n = journal.enteredAt(step);
  if (n === 0) return false;
  // Of several functions only the innermost is known.
  if (n > 1 || calls) return true;
  return inside[journal.siteOf(step)] === 1 || (operations && journal.depthOf(step) === 1);
}

/** Those of some sites from which no step that is known was taken. */
export function neverStoodAt(sim: Simulation, sites: readonly number[]): Set<number> {
  const left = new Set(sites);
  const { journal } = sim.machine;
  for (let s = journal?.firstStep ?? 0; journal !== null && left.size > 0 && s < journal.steps; s++)
    left.delete(journal.siteOf(s));
  return left;
}

/** Asked for steps from the latest back. It holds as long as the state stands still. */
export class Past {
  private readonly journal: Journal | null;
  /** Writes that matter; null when none do. */
  private fits: Fits | null = null;
  /** Between `from` and `to` no step has written anything that matters, but `from` itself has. */
  private from = 0;
  private to = -1;

  constructor(
    private readonly sim: Simulation,
    private readonly wanted: Wanted,
  ) {
    this.journal = sim.machine.journal;
  }

  /** Whether a breakpoint may stop before a step or right after it. */
  mayStop(step: number): boolean {
    const { journal } = this;
    if (journal === null || step < journal.firstStep) return true;
    const { marks, entries, calls, events, data } = this.wanted;
    if (events.has('any') || data.unforeseeable || marks?.[journal.siteOf(step)] === 1) return true;
    return (entries !== null && entered(journal, step, entries, calls.size > 0)) || this.wrote(journal, step);
  }

  /** Whether a step wrote to what somebody waits for. */
  private wrote(journal: Journal, step: number): boolean {
    if (step > this.to || step < this.from) {
      this.fits = this.matters(step);
      this.to = step;
      this.from = this.fits === null ? 0 : journal.lastStepWith(step, this.fits);
    }
    return this.fits !== null && step === this.from;
  }

  private matters(step: number): Fits | null {
    const { locks, events, data } = this.wanted;
    const memory = events.has('memory');
    const lock = events.has('lock');
    if (!memory && !lock && locks.size === 0 && data.quiet) return null;
    const concerns = data.concern(this.sim, step);
    return (obj, slot) =>
      (memory && obj instanceof PhysicalMemory) ||
      (obj instanceof Lock && (lock || locks.has(obj.name))) ||
      concerns(obj, slot);
  }
}
