/** Which steps of the past can be skipped on the way back, told from the journal alone. */
import type { Simulation } from '../../language/run/index.js';
import { type Journal, Lock, PhysicalMemory } from '../../machine/index.js';
import type { DataBreakpoints } from './data.js';
import type { Fits } from './watch.js';

/** What a step must have written for an event of a kind to have happened in it; `any` when nothing can be told. */
export type Footmark = 'lock' | 'memory' | 'any';

/** What the breakpoints look for. */
export interface Wanted {
  /** A byte for each site, not zero where a thread may stop before its step. */
  readonly marks: Uint8Array | null;
  /** Whether entering a function can stop: then any step inside a function may have been the first there. */
  readonly deep: boolean;
  readonly locks: ReadonlySet<string>;
  readonly events: ReadonlySet<Footmark>;
  readonly data: Pick<DataBreakpoints, 'concern' | 'unforeseeable' | 'quiet'>;
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
    const { marks, deep, events, data } = this.wanted;
    if (events.has('any') || data.unforeseeable || marks?.[journal.siteOf(step)] === 1) return true;
    return (deep && journal.enteredAt(step) > 0) || this.wrote(journal, step);
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
