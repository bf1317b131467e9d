/** Which steps of the past can be skipped on the way back, told from the journal alone. */
import type { Simulation } from '../../language/run/index.js';
import { type Journal, Lock, PhysicalMemory, type Write } from '../../machine/index.js';

/** What a step must have written for an event of a kind to have happened in it; `any` when nothing can be told. */
export type Footmark = 'lock' | 'memory' | 'any';

/** What the breakpoints look for. */
export interface Wanted {
  /** A byte for each site, not zero where a thread may stop before its step. */
  readonly marks: Uint8Array | null;
  /** Whether entering a function can stop: then any step inside two functions may have been the first there. */
  readonly deep: boolean;
  readonly locks: ReadonlySet<string>;
  readonly events: ReadonlySet<Footmark>;
}

export class Past {
  private readonly journal: Journal | null;

  constructor(
    sim: Simulation,
    private readonly wanted: Wanted,
  ) {
    this.journal = sim.machine.journal;
  }

  /** Whether a breakpoint may stop before a step or right after it. */
  mayStop(step: number): boolean {
    const { journal } = this;
    if (journal === null || step < journal.firstStep) return true;
    const { marks, deep, events, locks } = this.wanted;
    const { site, depth } = journal.stepInfo(step);
    if (events.has('any') || marks?.[site] === 1) return true;
    if (deep && depth > 0) return true;
    if (events.size === 0 && locks.size === 0) return false;
    return this.writes(step).some(
      ({ obj }) =>
        (events.has('memory') && obj instanceof PhysicalMemory) ||
        (obj instanceof Lock && (events.has('lock') || locks.has(obj.name))),
    );
  }

  private writes(step: number): Write[] {
    const found: Write[] = [];
    for (const w of (this.journal as Journal).writesFrom(step)) {
      if (w.step !== step) break;
      found.push(w);
    }
    return found;
  }
}
