/**
 * All breakpoints of a session behind one object, which the runner asks: before a thread takes its next step, and after a step.
 * Both cost next to nothing where no breakpoint can be meant: a look into a table of bytes by site, and some flags.
 *
 * They belong to the session, not to one run of it: `rebind` binds them to the next.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../../language/run/index.js';
import { allSites, type Failure, Op, type Site, siteOf, type Thread } from '../../machine/index.js';
import { type Entries, enters } from './arrivals.js';
import { DataBreakpoints, type WantedData } from './data.js';
import { EventBreakpoints, type FilterOption, type List } from './events.js';
import { FunctionBreakpoints, type WantedFunction } from './functions.js';
import type { Hit } from './hits.js';
import { LineBreakpoints, type Log } from './lines.js';
import { neverStoodAt, Past } from './past.js';
import { STATE } from './states.js';

const NONE: readonly Hit[] = [];

export class Breakpoints {
  readonly lines: LineBreakpoints;
  readonly functions: FunctionBreakpoints;
  readonly events: EventBreakpoints;
  /** Data breakpoints, and state conditions. */
  readonly data: DataBreakpoints;
  private sim: Simulation | null = null;
  private past: Past | null = null;
  /** A byte for each site, not zero where a thread may stop before its step; null when it can stop nowhere. */
  private marks: Uint8Array | null = null;
  /** What entering a function can hit; null when it is nothing. */
  private entries: Entries | null = null;
  /** Marked sites of the kernel model that may be calls; null until somebody goes back. */
  private calls: ReadonlySet<number> | null = null;
  private locks: ReadonlySet<string> = new Set();
  /** Whether any kind of event is waited for. */
  private listening = false;
  /** Whether any memory is watched. */
  private watching = false;
  /** Steps that each thread had taken when its place was last looked at: an arrival counts once. */
  private readonly seen: number[] = [];

  /** Set while a search goes through steps that the person does not see taken: log points print nothing then. */
  muted = false;

  constructor(log: Log) {
    let last = 0;
    const nextId = () => ++last;
    this.lines = new LineBreakpoints(nextId, (text, site) => {
      if (!this.muted) log(text, site);
    });
    this.functions = new FunctionBreakpoints(nextId);
    this.events = new EventBreakpoints(nextId);
    this.data = new DataBreakpoints(nextId);
  }

  // ---- what the person sets

  setLines(
    sim: Simulation,
    source: DebugProtocol.Source,
    wanted: readonly DebugProtocol.SourceBreakpoint[],
  ): DebugProtocol.Breakpoint[] {
    return this.changed(sim, this.lines.set(sim, source, wanted));
  }

  setFunctions(sim: Simulation, wanted: readonly WantedFunction[]): DebugProtocol.Breakpoint[] {
    return this.changed(sim, this.functions.set(sim, wanted));
  }

  setData(sim: Simulation, wanted: readonly WantedData[]): DebugProtocol.Breakpoint[] {
    return this.changed(sim, this.data.set(sim, wanted));
  }

  /** Replaces the exception filters: kinds of event, and state conditions. */
  setFilters(sim: Simulation, wanted: readonly FilterOption[]): DebugProtocol.Breakpoint[] {
    const isState = (w: FilterOption) => w.filterId === STATE;
    const states = this.data.setStates(sim, wanted.filter(isState));
    const events = this.events.set(
      sim,
      wanted.filter((w) => !isState(w)),
    );
    const both = wanted.map(
      (w) => (isState(w) ? states.shift() : events.shift()) as DebugProtocol.Breakpoint,
    );
    return this.changed(sim, both);
  }

  /** Replaces the event breakpoints of a list that stands beside the exception filters. */
  setEvents(sim: Simulation, list: List, wanted: readonly FilterOption[]): DebugProtocol.Breakpoint[] {
    return this.changed(sim, this.events.set(sim, wanted, list));
  }

  /** Binds all breakpoints to a run; returns those that are now elsewhere, or nowhere. */
  rebind(sim: Simulation): DebugProtocol.Breakpoint[] {
    this.events.rebind(sim);
    const moved = [...this.lines.rebind(sim), ...this.functions.rebind(sim), ...this.data.rebind(sim)];
    this.forgetPlace();
    return this.changed(sim, moved);
  }

  /** Hears of nothing: for a run that is not debugged. */
  silence(sim: Simulation): void {
    this.events.silence(sim);
  }

  private changed<T>(sim: Simulation, result: T): T {
    this.sim = sim;
    const { lines, functions } = this;
    const sites = [...lines.sites, ...functions.sites];
    const { inside, operations } = functions;
    const deep = lines.inModel.length > 0 || operations || inside.length > 0;
    const flags = new Uint8Array(allSites().length);
    this.entries = deep ? { inside: flags, operations } : null;
    this.calls = null;
    for (const s of inside) flags[s] = 1;
    this.locks = functions.locks;
    const any = sites.length > 0 || deep || this.locks.size > 0;
    this.marks = any ? new Uint8Array(allSites().length) : null;
    for (const s of sites) (this.marks as Uint8Array)[s] = 1;
    this.watching = !this.data.quiet;
    this.listening = !this.events.quiet;
    this.past = null;
    return result;
  }

  // ---- what the runner asks

  /** Breakpoints that a thread has come to with its last step; it stands before its next. Tells of each arrival once. */
  before(thread: Thread, site = thread.site): readonly Hit[] {
    const { marks } = this;
    if (this.watching) this.data.begin(this.sim as Simulation);
    if (marks === null) return NONE;
    if (
      marks[site] !== 1 &&
      !(this.entries !== null && enters(thread, marks, this.entries)) &&
      !(this.locks.size > 0 && thread.op === Op.acquire)
    )
      return NONE;
    return this.arrive(thread);
  }

  private arrive(thread: Thread): readonly Hit[] {
    const { sim } = this;
    if (sim === null || this.seen[thread.index] === thread.steps) return NONE;
    this.seen[thread.index] = thread.steps;
    return [...this.lines.arrive(sim, thread), ...this.functions.arrive(sim, thread)];
  }

  /** Breakpoints that a step of a thread has hit, taken from `site`. Failures are asked for with `failed`. */
  after(thread: Thread, site: number): readonly Hit[] {
    const data = this.watching ? this.data.after(this.sim as Simulation, thread, site) : NONE;
    if (this.events.occurred.length === 0) return data;
    const events = this.events.hits().map((hit) => ({ kind: 'event' as const, hit, site: siteOf(site) }));
    return events.length === 0 ? data : [...events, ...data];
  }

  /** Whether a failure stops, before it ends the run. */
  failed(failure: Failure, thread: Thread, site: Site | null): (Hit & { kind: 'failure' }) | null {
    const hit = this.events.failed(failure, thread);
    return hit === null ? null : { kind: 'failure', failure, hit, site };
  }

  /**
   * Notes that a thread's place has been told to the person: it is not hit there again before it moves. What the person has set
   * in the meantime is no change that anybody waits for.
   */
  told(thread: Thread): void {
    this.seen[thread.index] = thread.steps;
    this.data.jumped();
  }

  /** The position has jumped: nothing counts as seen. */
  forgetPlace(): void {
    this.seen.length = 0;
    this.events.occurred.length = 0;
    this.data.jumped();
    this.past = null;
  }

  // ---- for going backwards

  /** Whether no breakpoint can stop anywhere, so that none need be asked. Failures only end runs, and are not meant. */
  get quiet(): boolean {
    return this.marks === null && !this.listening && !this.watching;
  }

  /**
   * Whether a breakpoint may stop a thread before a step that lies in the past, or right after it: asked from the latest step
   * back. False is certain; true when it cannot be told from the journal alone.
   */
  mayStop(step: number): boolean {
    if (this.quiet || this.sim === null) return false;
    this.calls ??= neverStoodAt(this.sim, this.lines.inModel);
    this.past ??= new Past(this.sim, {
      marks: this.marks,
      entries: this.entries,
      calls: this.calls,
      locks: this.locks,
      events: this.events.footmarks,
      data: this.data,
    });
    return this.past.mayStop(step);
  }
}
