/** Breakpoints on lines. They belong to the session, not to one run of it: a restart binds them again. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { At, Simulation } from '../../language/run/index.js';
import { ANY, type EventField, type Site, siteOf, type Thread } from '../../machine/index.js';
import { sameSource } from '../sources.js';
import { linesReached, localValues, type Place } from './arrivals.js';
import { type Condition, parseCondition } from './conditions.js';
import { type HitCount, HitCounter, parseHitCount } from './hitCount.js';
import type { Hit, PlaceHit } from './hits.js';
import { type LogMessage, parseLogMessage } from './logPoint.js';
import { place, sitesOf } from './places.js';

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
  readonly counter: HitCounter;
  /** A sentence when it could not be bound. */
  bound: Bound | string;
}

export class LineBreakpoints {
  private all: LineBreakpoint[] = [];
  /** Sites at which a breakpoint is. */
  private bySite = new Map<number, LineBreakpoint[]>();

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
      return kept ?? { id: this.nextId(), source, wanted: w, counter: new HitCounter(), bound: '' };
    });
    this.all = [...this.all.filter((b) => !sameSource(b.source, source)), ...now];
    this.bind(sim, now);
    return now.map((b) => describe(b));
  }

  /** Binds all breakpoints to a new run; returns those that are now elsewhere, or nowhere. */
  rebind(sim: Simulation): DebugProtocol.Breakpoint[] {
    const before = this.all.map((b) => JSON.stringify(describe(b)));
    for (const b of this.all) b.counter.reset();
    this.bind(sim, this.all);
    return this.all.map((b) => describe(b)).filter((b, i) => JSON.stringify(b) !== before[i]);
  }

  /** Sites at which one of them may stop or print. */
  get sites(): Iterable<number> {
    return this.bySite.keys();
  }

  /** Those of the sites that are in a kernel model, where a call can be on a line that no step is on. */
  get inModel(): number[] {
    return [...this.sites].filter((s) => siteOf(s).kind === 'model');
  }

  /** The breakpoints on lines that a thread has come to with its last step, and that stop it; log points print. */
  arrive(sim: Simulation, thread: Thread): Hit[] {
    return linesReached(thread).flatMap((place) =>
      (this.bySite.get(place.site) ?? []).flatMap((b) => {
        const hit = this.hit(sim, b, thread, place);
        return hit === null ? [] : { kind: 'line' as const, hit };
      }),
    );
  }

  private hit(sim: Simulation, b: LineBreakpoint, thread: Thread, place: Place): PlaceHit | null {
    const { names, condition, hitCount, log } = b.bound as Bound;
    const site = siteOf(place.site);
    const what = `breakpoint at line ${site.line}`;
    const at: At = { thread, frame: 0, values: localValues(names, thread, place.frame) };
    const holds = condition === null || condition.holds(at);
    if (holds === false) return null;
    if (typeof holds === 'string') return { id: b.id, site, what, problem: holds };
    if (hitCount !== null && !hitCount(b.counter.count(sim.machine.steps))) return null;
    if (log === null) return { id: b.id, site, what };
    this.log(log(at), site);
    return null;
  }

  private bind(sim: Simulation, some: readonly LineBreakpoint[]): void {
    for (const b of some) b.bound = bindOne(sim, b);
    this.bySite = new Map();
    for (const b of this.all)
      for (const { id } of typeof b.bound === 'string' ? [] : b.bound.sites)
        this.bySite.set(id, [...(this.bySite.get(id) ?? []), b]);
  }
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
