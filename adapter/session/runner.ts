/**
 * Runs a simulation towards a goal in slices of a few milliseconds, so that messages are answered in between. One runner is one
 * `continue` or one step; it calls back exactly once, unless it is cancelled first. Only a runner moves threads in a session.
 *
 * Breakpoints on places are asked for before a thread takes its next step, those on what it does, and failures, after it.
 */
import type { Simulation } from '../language/run/index.js';
import { type Site, siteOf, type Thread } from '../machine/index.js';
import type { Hit } from './breakpoints/hits.js';
import type { Breakpoints } from './breakpoints/index.js';
import type { Goal } from './stepping.js';
import type { Reason, Stop } from './stops.js';

/** Milliseconds of a slice: well under the 100 in which `pause` must be answered. */
const SLICE = 8;
/** Steps between looks at the clock. A step is seldom longer than some microseconds, but may check costly invariants. */
const BATCH = 64;

/** What a runner needs of its session. */
export interface Host {
  readonly breakpoints: Pick<Breakpoints, 'before' | 'after' | 'failed'>;
  /** The scenario stopped. */
  stopped(stop: Stop): void;
  /** The run is over: the simulation has its outcome. */
  over(): void;
  /** A step threw what is no fault of the scenario's. */
  crashed(error: Error): void;
  /** Whether output waits to be read, so that the run should wait too. */
  readonly behind: boolean;
  drained(then: () => void): void;
}

/** Something that moves the scenario, until it stops it or is cancelled. */
export interface Mover {
  /** Stops moving, without calling back. */
  cancel(): void;
}

export class Runner implements Mover {
  private live = true;
  private readonly failedBefore: boolean;

  constructor(
    private readonly sim: Simulation,
    private readonly goal: Goal,
    private readonly host: Host,
  ) {
    this.failedBefore = sim.machine.failure !== null;
    setImmediate(() => this.slice());
  }

  /** Stops running, without calling back. */
  cancel(): void {
    this.live = false;
  }

  private slice(): void {
    if (!this.live) return;
    const end = performance.now() + SLICE;
    try {
      do {
        const result = this.steps(BATCH);
        if (result !== undefined) return this.finish(result);
      } while (performance.now() < end && !this.host.behind);
    } catch (e) {
      this.live = false;
      return this.host.crashed(e as Error);
    }
    this.host.drained(() => this.slice());
  }

  private finish(result: Stop | 'over'): void {
    this.live = false;
    if (result === 'over') this.host.over();
    else this.host.stopped(result);
  }

  /** Takes up to `n` steps. Undefined while there is nothing to tell. */
  private steps(n: number): Stop | 'over' | undefined {
    const { sim, goal } = this;
    const { breakpoints } = this.host;
    const { machine } = sim;
    const { only, about, free } = goal;
    if (free) return sim.run(n) ? undefined : 'over';
    for (let k = 0; k < n; k++) {
      const t = only === null || sim.outcome !== null ? sim.pick() : only;
      if (t === null) return this.over();
      if (goal.before?.(t) === true) return this.standing(t, { kind: 'switch', name: t.name });
      const site = t.site;
      const here = breakpoints.before(t, site);
      if (here.length > 0) return { thread: t, reasons: here };
      if (!sim.stepThread(t)) return this.stuck(t);
      const hits = breakpoints.after(t, site);
      if (hits.length > 0 || machine.failure !== null || sim.atBreakpointStatement(t)) {
        const stop = this.after(t, site, hits);
        if (stop !== undefined) return stop;
      }
      if (about === t && goal.done()) return this.arrived(t);
    }
    return undefined;
  }

  /** Why to stop after a step, taken from `site`, at which something happened. */
  private after(t: Thread, site: number, hits: readonly Hit[]): Stop | undefined {
    const reasons: Reason[] = [...hits];
    if (this.sim.atBreakpointStatement(t)) reasons.push({ kind: 'statement' });
    const failure = this.failure(siteOf(site));
    if (failure !== null) return { thread: failure.hit.event.thread, reasons: [failure, ...reasons] };
    if (reasons.length === 0) return undefined;
    if (this.goal.about === t && this.goal.done()) this.host.breakpoints.before(t);
    return { thread: t, reasons };
  }

  /** The failure that ended the run, if it is to be stopped at. */
  private failure(site: Site | null): Extract<Reason, { kind: 'failure' }> | null {
    const failure = this.sim.machine.failure;
    if (failure === null || this.failedBefore) return null;
    const thread = failure.thread ?? this.sim.threads()[0] ?? this.sim.machine.threads[0];
    return thread === undefined ? null : this.host.breakpoints.failed(failure, thread, site);
  }

  /** Nobody moves any more. A failure that only shows now (a deadlock, a schedule that diverged) is stopped at first. */
  private over(): Stop | 'over' {
    const { heldUp } = this.sim;
    if (heldUp !== null) return this.standing(heldUp, { kind: 'frozen', name: heldUp.name });
    const failure = this.failure(null);
    return failure === null
      ? 'over'
      : { thread: failure.failure.thread ?? failure.hit.event.thread, reasons: [failure] };
  }

  private stuck(t: Thread): Stop | 'over' {
    if (this.sim.outcome !== null) return this.over();
    return { thread: t, reasons: [this.blocked(t) ?? { kind: 'threadEnd', name: t.name }] };
  }

  /** What a thread waits for, when it cannot move. */
  private blocked(t: Thread): Reason | null {
    const why = t.ended ? null : this.sim.blockedOn(t);
    return why === null ? null : { kind: 'blocked', why: `${t.name} ${why}` };
  }

  /** A step got where it should; breakpoints there are told with it. */
  private arrived(t: Thread): Stop | 'over' {
    const next = t.ended ? this.sim.pick() : t;
    if (next === null) return this.over();
    const first = t.ended
      ? ({ kind: 'threadEnd', name: t.name } as const)
      : (this.blocked(t) ?? ({ kind: 'step' } as const));
    return this.standing(next, first);
  }

  /** A stop before a thread moves; breakpoints there are told with it. */
  private standing(t: Thread, reason: Reason): Stop {
    return { thread: t, reasons: [...this.host.breakpoints.before(t), reason] };
  }
}
