/**
 * Data breakpoints and state conditions: what stops after a step because of the memory that it has written or read. As long as no
 * step touches an object that is watched, they cost a look into a set for each write.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulation } from '../../language/run/index.js';
import { ANY, BOOL, type EventField, STRING, siteOf, type Thread } from '../../machine/index.js';
import { placesOf, ReadWatcher, writesSince } from './accesses.js';
import { type Condition, parseCondition } from './conditions.js';
import { parseDataId } from './dataId.js';
import { type HitCount, HitCounter, parseHitCount } from './hitCount.js';
import type { Hit } from './hits.js';
import { State, type WantedState } from './states.js';
import { type Here, watchOf } from './targets.js';
import type { Access, Fits, Seen, Watch } from './watch.js';

/** What a client asks for. */
export interface WantedData {
  readonly dataId: string;
  readonly accessType?: string | undefined;
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
}

interface Bound {
  readonly watch: Watch;
  readonly condition: Condition | null;
  readonly hitCount: HitCount | null;
}

interface DataBreakpoint {
  readonly id: number;
  readonly wanted: WantedData;
  readonly counter: HitCounter;
  bound: Bound | string;
}

/** Names in scope of a condition, besides what the scenario sees. */
const NAMES: readonly EventField[] = [
  { name: 'old', type: ANY, doc: 'The value before.' },
  { name: 'new', type: ANY, doc: 'The value now.' },
  {
    name: 'changed',
    type: BOOL,
    doc: 'Whether the two differ: false for a read, and for a write of the same value.',
  },
  { name: 'thread', type: STRING, doc: 'Name of the thread that did it.' },
];

export class DataBreakpoints {
  private all: DataBreakpoint[] = [];
  private states: State[] = [];
  private readonly reader = new ReadWatcher();
  private fits: Fits = () => false;
  private restless = false;
  /** Whether reads are watched. */
  private reading = false;
  /** Steps that had been taken when a step was last begun. */
  private from = 0;
  /** Whether values have to be taken again before the next step counts. */
  private stale = false;
  /** Places of this run that clients know by number. */
  readonly here: Here[] = [];
  /** Whether nothing is watched. */
  quiet = true;
  /** What mattered where the state last jumped to, and the number of steps that had been taken there. */
  private settled: readonly Fits[] = [];
  private settledAt = -1;

  constructor(private readonly nextId: () => number) {}

  /** Replaces all data breakpoints. Those that were there before keep their ids and counts. */
  set(sim: Simulation, wanted: readonly WantedData[]): DebugProtocol.Breakpoint[] {
    const before = [...this.all];
    this.all = wanted.map((w) => {
      const old = before.findIndex((b) => same(b.wanted, w));
      const kept = old < 0 ? undefined : before.splice(old, 1)[0];
      return kept ?? { id: this.nextId(), wanted: w, counter: new HitCounter(), bound: '' };
    });
    for (const b of this.all) b.bound = this.bind(sim, b.wanted);
    this.listen(sim);
    return this.all.map(describe);
  }

  /** Replaces all state conditions, as `set` does. */
  setStates(sim: Simulation, wanted: readonly WantedState[]): DebugProtocol.Breakpoint[] {
    const before = [...this.states];
    this.states = wanted.map((w) => {
      const old = before.findIndex((s) => s.wanted.condition === w.condition);
      const kept = old < 0 ? undefined : before.splice(old, 1)[0];
      return kept ?? new State(this.nextId(), w);
    });
    for (const s of this.states) s.bind(sim);
    this.listen(sim);
    return this.states.map((s) => s.describe());
  }

  /** Binds all to a new run; returns those that now say something else. */
  rebind(sim: Simulation): DebugProtocol.Breakpoint[] {
    this.here.length = 0;
    const told = () => [...this.all.map(describe), ...this.states.map((s) => s.describe())];
    const before = told().map((b) => JSON.stringify(b));
    for (const b of this.all) {
      b.counter.reset();
      b.bound = this.bind(sim, b.wanted);
    }
    for (const s of this.states) s.bind(sim);
    this.listen(sim);
    return told().filter((b, i) => JSON.stringify(b) !== before[i]);
  }

  /** A step is about to be taken. */
  begin(sim: Simulation): void {
    this.from = sim.machine.steps;
    if (this.stale) this.settle(sim);
  }

  /** The state has changed otherwise than by a step: what is watched has its value from then on. */
  jumped(): void {
    this.stale = true;
  }

  /** What the steps since `begin` have hit; `site` is where the thread stood before. */
  after(sim: Simulation, thread: Thread, site: number): Hit[] {
    const { journal } = sim.machine;
    const writes = journal === null ? [] : writesSince(journal, this.from, this.fits);
    const reads = this.reader.taken();
    if (writes.length === 0 && reads.length === 0 && !this.restless) return [];
    let moved = false;
    const note = () => {
      moved = true;
    };
    const accesses = [...reads, ...writes];
    const hits = [
      ...this.all.flatMap((b) => this.hit(b, accesses, thread, site, note)),
      ...this.states.flatMap((s) => s.look(accesses, thread, site, note)),
    ];
    if (moved) this.collect();
    return hits;
  }

  /**
   * Which writes may have hit something, in steps of the past from `step` back. What a value is computed from changes with the
   * state: it holds as it is now, or as it was where the state last jumped to, and down to the first step that wrote to it.
   */
  concern(sim: Simulation, step: number): Fits {
    if (this.stale) this.settle(sim);
    const all = step < this.settledAt ? this.settled : this.watches().map((w) => w.concern());
    return (obj, slot) => all.some((fits) => fits(obj, slot));
  }
  /** Whether reads are watched, or something that changes without being written: then every step may hit. */
  get unforeseeable(): boolean {
    return this.restless || this.reading;
  }

  private hit(
    b: DataBreakpoint,
    accesses: readonly Access[],
    thread: Thread,
    site: number,
    moved: () => void,
  ): Hit[] {
    if (typeof b.bound === 'string') return [];
    const { watch, condition, hitCount } = b.bound;
    const reads = b.wanted.accessType === 'read' || b.wanted.accessType === 'readWrite';
    const writes = b.wanted.accessType !== 'read';
    let problem: string | undefined;
    const holds = (s: Seen) => {
      if (s.access === 'read' ? !reads : !writes) return false;
      const changed = s.access !== 'read' && s.old !== s.now;
      const told = condition?.holds({ thread, values: [s.old, s.now, changed, thread.name] }) ?? true;
      if (typeof told === 'string') problem = told;
      return told !== false;
    };
    const found = watch.look(accesses, moved).filter(holds);
    // A read-modify-write counts as the write that it is.
    const seen = found.findLast((s) => s.access !== 'read') ?? found[0];
    if (seen === undefined) return [];
    if (hitCount !== null && !hitCount(b.counter.count(this.from))) return [];
    const hit = { id: b.id, access: seen.access, ...seen.tell(), problem };
    return [{ kind: 'data', hit, site: siteOf(site) }];
  }

  private bind(sim: Simulation, { dataId, condition, hitCondition }: WantedData): Bound | string {
    const target = parseDataId(dataId);
    if (target === undefined) return `'${dataId}' is no data id: take one from 'dataBreakpointInfo'`;
    const watch = watchOf(sim, target, this.here);
    if (typeof watch === 'string') return watch;
    const test = condition ? parseCondition(sim, condition, NAMES, {}) : null;
    if (typeof test === 'string') return `condition: ${test}`;
    const hitCount = hitCondition ? parseHitCount(hitCondition) : null;
    if (typeof hitCount === 'string') return hitCount;
    return { watch, condition: test, hitCount };
  }

  private watches(): Watch[] {
    const data = this.all.flatMap((b) => (typeof b.bound === 'string' ? [] : [b.bound.watch]));
    return [...data, ...this.states.flatMap((s) => s.watch ?? [])];
  }

  private readsWatched(): boolean {
    return this.all.some(
      ({ bound, wanted: { accessType } }) =>
        typeof bound !== 'string' && (accessType === 'read' || accessType === 'readWrite'),
    );
  }

  private settle(sim: Simulation): void {
    this.stale = false;
    this.reader.taken();
    sim.machine.attach();
    for (const w of this.watches()) w.settle();
    this.settled = this.watches().map((w) => w.concern());
    this.settledAt = sim.machine.steps;
    this.collect();
  }

  private listen(sim: Simulation): void {
    this.quiet = this.watches().length === 0;
    this.from = sim.machine.steps;
    this.settledAt = -1;
    this.collect();
    this.reading = this.readsWatched();
    this.reader.listen(sim.machine, this.reading);
  }

  /** Takes together what all watches want to know of. */
  private collect(): void {
    const watches = this.watches();
    this.restless = watches.some((w) => w.restless === true);
    this.fits = placesOf(watches);
    this.reader.fits = this.fits;
  }
}

function describe(b: DataBreakpoint): DebugProtocol.Breakpoint {
  if (typeof b.bound === 'string') return { id: b.id, verified: false, message: b.bound, reason: 'failed' };
  return { id: b.id, verified: true };
}

const same = (a: WantedData, b: WantedData) =>
  (['dataId', 'accessType', 'condition', 'hitCondition'] as const).every((k) => a[k] === b[k]);
