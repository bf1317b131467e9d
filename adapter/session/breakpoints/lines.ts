/**
 * Breakpoints on lines. They belong to the session, not to one run of it: a restart binds them again. A site with a breakpoint is
 * marked in a table of bytes, so that a step at any other site costs one look.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { At, Simulation } from '../../language/run/index.js';
import {
  ANY,
  allSites,
  type EventField,
  type Site,
  type StackFrame,
  siteOf,
  type Thread,
} from '../../machine/index.js';
import { sameSource } from '../sources.js';
import { localsOf } from '../stack.js';
import { type Condition, parseCondition } from './conditions.js';
import { type HitCount, parseHitCount } from './hitCount.js';
import { type LogMessage, parseLogMessage } from './logPoint.js';
import { place, sitesOf } from './places.js';

/** A breakpoint that was reached. */
export interface LineHit {
  readonly id: number;
  readonly site: Site;
  /** What is wrong with its condition, where that is why it stopped. */
  readonly problem?: string;
}

/** Prints the message of a log point. */
export type Log = (text: string, site: Site) => void;

/** How a breakpoint is bound to the run. */
interface Bound {
  readonly sites: readonly Site[];
  /** Locals of the model function, where it is one. */
  readonly names: readonly string[];
  readonly condition: Condition | null;
  readonly hitCount: HitCount | null;
  readonly log: LogMessage | null;
}

interface LineBreakpoint {
  readonly id: number;
  readonly source: DebugProtocol.Source;
  readonly wanted: DebugProtocol.SourceBreakpoint;
  hits: number;
  /** A sentence when it could not be bound. */
  bound: Bound | string;
}

export class LineBreakpoints {
  private all: LineBreakpoint[] = [];
  private marks: Uint8Array | null = null;
  /** What a thread had done when its place was last looked at: each arrival counts once. */
  private readonly seen = new Map<Thread, { readonly steps: number; readonly calls: number }>();
  /** Whether a breakpoint is in a kernel model, where a call can be on a line that no step is on. */
  private deep = false;

  constructor(
    private readonly nextId: () => number,
    private readonly log: Log,
  ) {}

  /** Replaces the breakpoints of one source. Those that were there before keep their ids and counts. */
  set(
    sim: Simulation,
    source: DebugProtocol.Source,
    wanted: readonly DebugProtocol.SourceBreakpoint[],
  ): DebugProtocol.Breakpoint[] {
    const before = this.all.filter((b) => sameSource(b.source, source));
    const now = wanted.map((w): LineBreakpoint => {
      const old = before.findIndex((b) => same(b.wanted, w));
      const kept = old < 0 ? undefined : before.splice(old, 1)[0];
      return kept ?? { id: this.nextId(), source, wanted: w, hits: 0, bound: '' };
    });
    this.all = [...this.all.filter((b) => !sameSource(b.source, source)), ...now];
    this.bind(sim, now);
    return now.map((b) => describe(b));
  }

  /** Binds all breakpoints to a new run; returns those that are now elsewhere, or nowhere. */
  rebind(sim: Simulation): DebugProtocol.Breakpoint[] {
    const before = this.all.map((b) => JSON.stringify(describe(b)));
    for (const b of this.all) b.hits = 0;
    this.seen.clear();
    this.bind(sim, this.all);
    return this.all.map((b) => describe(b)).filter((b, i) => JSON.stringify(b) !== before[i]);
  }

  /** A byte for each site, not zero where a breakpoint is; null when there are none. */
  get flags(): Uint8Array | null {
    return this.marks;
  }

  /** Whether a thread may have passed a breakpoint by calling functions, beside being at one. Asked at every step. */
  called(thread: Thread): boolean {
    return this.deep && thread.lastCall !== this.seen.get(thread)?.calls;
  }

  /** Notes that a thread's place has been told to the person: it is not hit there again before it moves. */
  told(thread: Thread): void {
    this.seen.set(thread, { steps: thread.steps, calls: thread.lastCall });
  }

  /** The breakpoints that a thread has come to with its last step and that stop it; log points print. Counts an arrival once. */
  arrive(thread: Thread): LineHit[] {
    const { marks } = this;
    const seen = this.seen.get(thread);
    if (marks === null || seen?.steps === thread.steps) return [];
    this.told(thread);
    const places = placesOf(thread, seen?.calls ?? 0).filter((p) => marks[p.site] === 1);
    return places.flatMap((p) => this.all.flatMap((b) => this.hit(b, thread, p) ?? []));
  }

  private hit(b: LineBreakpoint, thread: Thread, place: Place): LineHit | null {
    const { bound } = b;
    if (typeof bound === 'string' || !bound.sites.some((s) => s.id === place.site)) return null;
    const site = siteOf(place.site);
    const at: At = { thread, frame: 0, values: modelValues(bound.names, thread, place) };
    const holds = bound.condition === null || bound.condition.holds(at);
    if (holds === false) return null;
    if (typeof holds === 'string') return { id: b.id, site, problem: holds };
    b.hits++;
    if (bound.hitCount !== null && !bound.hitCount(b.hits)) return null;
    if (bound.log === null) return { id: b.id, site };
    this.log(bound.log(at), site);
    return null;
  }

  private bind(sim: Simulation, some: readonly LineBreakpoint[]): void {
    for (const b of some) b.bound = bindOne(sim, b);
    const bound = this.all.flatMap((b) => (typeof b.bound === 'string' ? [] : b.bound.sites));
    this.marks = bound.length === 0 ? null : new Uint8Array(allSites().length);
    for (const s of bound) (this.marks as Uint8Array)[s.id] = 1;
    this.deep = bound.some((s) => s.kind === 'model');
    // Calls made before now are not arrivals.
    for (const t of sim.machine.threads)
      this.seen.set(t, { steps: this.seen.get(t)?.steps ?? -1, calls: t.lastCall });
  }
}

/** A place on a thread's stack. */
interface Place {
  readonly site: number;
  /** Number of its frame, from the innermost. */
  readonly frame: number;
}

/** Where a thread has come to since it had made `calls` calls: where it stands, and the lines that called what it is in. */
function placesOf(thread: Thread, calls: number): Place[] {
  const places: Place[] = [{ site: thread.site, frame: 0 }];
  for (let d = thread.depth - 1; d > 0 && thread.frameAt(d).call > calls; d--)
    places.push({ site: thread.frameAt(d - 1).site, frame: thread.depth - d });
  return places;
}

/** Values of the names that the conditions of a model line were compiled with. */
function modelValues(names: readonly string[], thread: Thread, place: Place): unknown[] {
  if (names.length === 0) return [];
  const locals = new Map(localsOf(thread.frames()[place.frame] as StackFrame));
  return names.map((name) => locals.get(name));
}

function bindOne(sim: Simulation, b: LineBreakpoint): Bound | string {
  const { line, column, condition, hitCondition, logMessage } = b.wanted;
  const sites = place(sim, sitesOf(sim, b.source), line, column);
  if (typeof sites === 'string') return sites;
  const site = sites[0] as Site;
  const names: EventField[] =
    site.kind === 'model' ? site.names.map((name) => ({ name, type: ANY, doc: '' })) : [];
  const at: At = site.kind === 'model' ? {} : { site: site.id };
  const test = condition ? parseCondition(sim, condition, names, at) : null;
  if (typeof test === 'string') return `condition: ${test}`;
  const hitCount = hitCondition ? parseHitCount(hitCondition) : null;
  if (typeof hitCount === 'string') return hitCount;
  const log = logMessage ? parseLogMessage(sim, logMessage, names, at) : null;
  if (log !== null && 'wrong' in log) return `log message, ${log.wrong}`;
  return { sites, names: names.map((n) => n.name), condition: test, hitCount, log };
}

function describe(b: LineBreakpoint): DebugProtocol.Breakpoint {
  if (typeof b.bound === 'string')
    return {
      id: b.id,
      verified: false,
      message: b.bound,
      reason: 'failed',
      source: b.source,
      line: b.wanted.line,
    };
  const { line, column, endLine, endColumn } = b.bound.sites[0] as Site;
  return { id: b.id, verified: true, source: b.source, line, column, endLine, endColumn };
}

const same = (a: DebugProtocol.SourceBreakpoint, b: DebugProtocol.SourceBreakpoint) =>
  (['line', 'column', 'condition', 'hitCondition', 'logMessage'] as const).every((k) => a[k] === b[k]);
