/**
 * Runs backwards: finds the last position before the present one at which a run forwards would have stopped. A stretch of the
 * past is taken back and gone through forwards again, with all breakpoints asked; then the stretch before it, twice as long.
 * Where the journal alone tells that no breakpoint can have stopped, nothing is run.
 */
import type { Simulation } from '../../language/run/index.js';
import type { Breakpoints } from '../breakpoints/index.js';
import type { Mover } from '../runner.js';
import type { Reason, Stop } from '../stops.js';

/** Milliseconds of a slice: well under the 100 in which `pause` must be answered. */
const SLICE = 8;
/** Steps of the first stretch, and of the longest. */
const FIRST = 64;
const LONGEST = 1 << 14;
/** Steps of which the journal is asked between looks at the clock. */
const GLANCE = 4096;

/** What going backwards needs of its session. */
export interface Host {
  readonly breakpoints: Pick<Breakpoints, 'before' | 'after' | 'mayStop' | 'forgetPlace' | 'told' | 'muted'>;
  stopped(stop: Stop): void;
  crashed(error: Error): void;
  /** Tells how far the search is. */
  searched(done: number, total: number): void;
}

/** A place to stop at. */
interface Found {
  readonly position: number;
  readonly stop: Stop;
}

export class Backwards implements Mover {
  private live = true;
  private readonly origin: number;
  /** Everything from here on has been searched. */
  private end: number;
  private length = FIRST;

  constructor(
    private readonly sim: Simulation,
    private readonly host: Host,
    /** The stop for when there is nothing to stop at: at the start of the run. */
    private readonly atStart: () => Stop,
    /** Number of the thread whose stops count; all count where it is left out. */
    private readonly only?: number,
  ) {
    this.origin = sim.position;
    this.end = sim.position;
    setImmediate(() => this.slice());
  }

  /** Stops searching without calling back, and goes to where the search began. */
  cancel(): void {
    if (!this.live) return;
    this.live = false;
    this.sim.goTo(this.origin);
    this.host.breakpoints.forgetPlace();
  }

  private slice(): void {
    if (!this.live) return;
    const until = performance.now() + SLICE;
    try {
      do {
        const found = this.search();
        if (found !== undefined) return this.finish(found);
      } while (performance.now() < until);
    } catch (e) {
      this.live = false;
      return this.host.crashed(e as Error);
    }
    this.host.searched(this.origin - this.end, this.origin);
    setImmediate(() => this.slice());
  }

  private finish({ position, stop }: Found): void {
    this.live = false;
    this.sim.goTo(position);
    this.host.breakpoints.forgetPlace();
    if (stop.thread !== null) this.host.breakpoints.told(stop.thread);
    this.host.stopped(stop);
  }

  /** Searches one more stretch. */
  private search(): Found | undefined {
    const { earliest } = this.sim;
    if (!this.skip(earliest)) return undefined;
    if (this.end <= 0) return { position: 0, stop: this.atStart() };
    // Where the journal ends, a checkpoint is gone back to, and the journal begins there.
    const from = Math.max(this.end > earliest ? earliest : 0, this.end - this.length);
    this.host.breakpoints.muted = true;
    let found: Found | undefined;
    try {
      found = this.stretch(from, this.end);
    } finally {
      this.host.breakpoints.muted = false;
    }
    this.end = from;
    this.length = Math.min(LONGEST, 2 * this.length);
    return found;
  }

  /** Leaves out steps at which nothing can have stopped. False when there may be more of them. */
  private skip(earliest: number): boolean {
    // Going forwards again would overwrite what the journal is asked of.
    if (this.sim.position < this.end) this.sim.goTo(this.end);
    for (let n = 0; this.end > earliest && !this.host.breakpoints.mayStop(this.end - 1); n++) {
      if (n === GLANCE) return false;
      this.end--;
    }
    return true;
  }

  /** Goes through the positions from `from` up to `to`; the last stop there that is before the origin. */
  private stretch(from: number, to: number): Found | undefined {
    const { sim, host, origin } = this;
    const { breakpoints } = host;
    sim.goTo(from);
    breakpoints.forgetPlace();
    let found: Found | undefined;
    for (let position = from; position < to; position++) {
      const thread = sim.ahead;
      if (thread === null) return found;
      const { site } = thread;
      const here = breakpoints.before(thread, site);
      const counts = this.only === undefined || thread.index === this.only;
      if (here.length > 0 && counts) found = { position, stop: { thread, reasons: here } };
      sim.repeat();
      const done: Reason[] = [...breakpoints.after(thread, site)];
      if (sim.atBreakpointStatement(thread)) done.push({ kind: 'statement' });
      if (done.length > 0 && counts && position + 1 < origin)
        found = { position: position + 1, stop: { thread, reasons: done } };
    }
    return found;
  }
}
