/**
 * Function breakpoints: kernel functions, operations and `fn`s of the scenario by name, with globs, and `lock:NAME`. They stop where
 * the function is entered: before its first step, with its parameters at hand.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { didYouMean } from '../../language/near.js';
import type { At, Simulation } from '../../language/run/index.js';
import {
  ANY,
  allSites,
  type EventField,
  type Lock,
  modelFunctions,
  Op,
  type Site,
  siteOf,
  type Thread,
} from '../../machine/index.js';
import { sourceOf } from '../sources.js';
import { fnEntered, functionsEntered, localValues, operationEntered } from './arrivals.js';
import { type Condition, parseCondition } from './conditions.js';
import { type HitCount, HitCounter, parseHitCount } from './hitCount.js';
import type { Hit, PlaceHit } from './hits.js';

/** What a client asks for. */
export interface WantedFunction {
  readonly name: string;
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
}

/** Something that has a name and is entered: where its condition finds its names, and the condition itself. */
interface Target {
  readonly kind: 'model' | 'operation' | 'fn' | 'lock';
  readonly name: string;
  /** Names that the condition can use, besides those of the scenario. */
  readonly names: readonly string[];
  /** First statement of an `fn`. */
  readonly site?: number | undefined;
}

interface Bound {
  /** By kind and name. */
  readonly targets: ReadonlyMap<string, Target & { readonly condition: Condition | null }>;
  readonly hitCount: HitCount | null;
}

interface FunctionBreakpoint {
  readonly id: number;
  readonly wanted: WantedFunction;
  readonly counter: HitCounter;
  /** A sentence when there is no such function, or its condition is none. */
  bound: Bound | string;
}

const LOCK = 'lock:';
const keyOf = (kind: Target['kind'], name: string) => `${kind} ${name}`;

export class FunctionBreakpoints {
  private all: FunctionBreakpoint[] = [];

  constructor(private readonly nextId: () => number) {}

  /** Replaces all of them. Those that were there before keep their ids and counts. */
  set(sim: Simulation, wanted: readonly WantedFunction[]): DebugProtocol.Breakpoint[] {
    const before = [...this.all];
    this.all = wanted.map((w) => {
      const old = before.findIndex((b) => same(b.wanted, w));
      const kept = old < 0 ? undefined : before.splice(old, 1)[0];
      return kept ?? { id: this.nextId(), wanted: w, counter: new HitCounter(), bound: '' };
    });
    for (const b of this.all) b.bound = bind(sim, b.wanted);
    return this.all.map(describe);
  }

  /** Binds all to a new run; returns those that now say something else. */
  rebind(sim: Simulation): DebugProtocol.Breakpoint[] {
    const before = this.all.map((b) => JSON.stringify(describe(b)));
    for (const b of this.all) {
      b.counter.reset();
      b.bound = bind(sim, b.wanted);
    }
    return this.all.map(describe).filter((b, i) => JSON.stringify(b) !== before[i]);
  }

  private targets(): Target[] {
    return this.all.flatMap((b) => (typeof b.bound === 'string' ? [] : [...b.bound.targets.values()]));
  }

  /** First statements of the `fn`s that stop. */
  get sites(): number[] {
    return this.targets().flatMap((t) => t.site ?? []);
  }
  /** Whether beginning an operation can stop. */
  get operations(): boolean {
    return this.targets().some((t) => t.kind === 'operation');
  }
  /** Sites inside the functions of the model that stop where they are entered. */
  get inside(): number[] {
    const names = new Set(this.targets().flatMap((t) => (t.kind === 'model' ? t.name : [])));
    if (names.size === 0) return [];
    return allSites().flatMap((s) => (s.kind === 'model' && names.has(s.fn) ? s.id : []));
  }
  /** Names of the locks before which a thread stops. */
  get locks(): ReadonlySet<string> {
    return new Set(this.targets().flatMap((t) => (t.kind === 'lock' ? [t.name] : [])));
  }

  /** Breakpoints on what a thread has entered with its last step, or on the lock that it stands before. */
  arrive(sim: Simulation, thread: Thread): Hit[] {
    if (this.all.length === 0) return [];
    const hits = new Map<number, Hit>();
    for (const { kind, name, at, values, site } of entered(thread))
      for (const b of this.all) {
        const target = typeof b.bound === 'string' ? undefined : b.bound.targets.get(keyOf(kind, name));
        if (target === undefined || hits.has(b.id)) continue;
        const hit = this.hit(sim, b, target, { ...at, values: values(target.names) }, site);
        if (hit !== null) hits.set(b.id, { kind: kind === 'lock' ? 'lock' : 'function', hit });
      }
    return [...hits.values()];
  }

  private hit(
    sim: Simulation,
    b: FunctionBreakpoint,
    target: Target & { readonly condition: Condition | null },
    at: At,
    site: Site,
  ): PlaceHit | null {
    const holds = target.condition === null || target.condition.holds(at);
    if (holds === false) return null;
    const what = target.kind === 'lock' ? `before taking ${target.name}` : `entered ${target.name}`;
    if (typeof holds === 'string') return { id: b.id, site, what, problem: holds };
    const { hitCount } = b.bound as Bound;
    if (hitCount !== null && !hitCount(b.counter.count(sim.machine.steps))) return null;
    return { id: b.id, site, what };
  }
}

interface Entered {
  readonly kind: Target['kind'];
  readonly name: string;
  readonly at: At;
  readonly values: (names: readonly string[]) => unknown[];
  readonly site: Site;
}

/** All that a thread has entered with its last step, outermost first. */
function entered(thread: Thread): Entered[] {
  const found: Entered[] = [];
  const at = { thread, frame: 0 };
  const here = siteOf(thread.site);
  const fn = fnEntered(thread);
  if (fn !== null) found.push({ kind: 'fn', name: fn.unit.name, at, values: () => [], site: here });
  const operation = operationEntered(thread);
  if (operation !== null) {
    const { site } = thread.frameAt(0);
    const values = (names: readonly string[]) => localValues(names, thread, thread.depth - 1);
    for (const name of [operation.name, `${operation.on}.${operation.name}`])
      found.push({ kind: 'operation', name, at, values, site: siteOf(site) });
  }
  for (const { fn: name, frame, site } of functionsEntered(thread))
    found.push({
      kind: 'model',
      name,
      at,
      values: (names) => localValues(names, thread, frame),
      site: siteOf(site),
    });
  if (thread.op === Op.acquire)
    found.push({
      kind: 'lock',
      name: (thread.obj as Lock).name,
      at,
      values: (names) => localValues(names, thread, 0),
      site: here,
    });
  return found;
}

/** All that a function breakpoint can mean in a run. */
function known(sim: Simulation): Target[] {
  const { program } = sim.parts;
  const models = new Map<string, Set<string>>();
  const inUse = new Set(sim.subsystems.flatMap((s) => modelFunctions(s.subsystem.sources)));
  for (const s of allSites())
    if (s.kind === 'model' && inUse.has(s.fn)) {
      const names = models.get(s.fn) ?? new Set();
      for (const n of s.names) names.add(n);
      models.set(s.fn, names);
    }
  const operations = sim.subsystems.flatMap((s) => s.subsystem.operations);
  return [
    ...[...models].map(([name, names]): Target => ({ kind: 'model', name, names: [...names] })),
    ...operations.flatMap((o) =>
      [o.name, `${o.on}.${o.name}`].map((name): Target => ({ kind: 'operation', name, names: [] })),
    ),
    ...program.file.fns.map((f): Target => {
      const site = program.unitOf(f).code.find((i) => i.stands)?.site;
      return { kind: 'fn', name: f.name, names: [], site };
    }),
    ...sim.machine.locks.map((l): Target => ({ kind: 'lock', name: l.name, names: [] })),
  ];
}

/**
 * The names that a glob means: `*` stands for any number of characters, `?` for one. Takes no longer than the two lengths
 * multiplied, whatever the glob is.
 */
function matcher(glob: string): (name: string) => boolean {
  return (name) => {
    let [g, n] = [0, 0];
    /** Where the last star was, and how much of the name it stands for. */
    let [star, taken] = [-1, 0];
    while (n < name.length) {
      if (glob[g] === '*') [star, taken] = [g++, n];
      else if (glob[g] === '?' || glob[g] === name[n]) [g, n] = [g + 1, n + 1];
      else if (star >= 0) [g, n] = [star + 1, ++taken];
      else return false;
    }
    while (glob[g] === '*') g++;
    return g === glob.length;
  };
}

function bind(sim: Simulation, { name: wanted, condition, hitCondition }: WantedFunction): Bound | string {
  const name = wanted.trim();
  const isLock = name.startsWith(LOCK);
  const all = known(sim).filter((t) => (t.kind === 'lock') === isLock);
  const fits = matcher(isLock ? name.slice(LOCK.length) : name);
  const found = all.filter((t) => fits(t.name));
  if (found.length === 0) return nothing(name, isLock, all);
  const hitCount = hitCondition ? parseHitCount(hitCondition) : null;
  if (typeof hitCount === 'string') return hitCount;
  const targets = new Map<string, Target & { condition: Condition | null }>();
  let wrong = '';
  for (const t of found) {
    const names = t.names.map((n): EventField => ({ name: n, type: ANY, doc: '' }));
    const at: At = t.site === undefined ? {} : { site: t.site };
    const test = condition ? parseCondition(sim, condition, names, at) : null;
    if (typeof test === 'string') wrong = `condition: ${test}`;
    else targets.set(keyOf(t.kind, t.name), { ...t, condition: test });
  }
  // A glob means those functions that the condition makes sense for.
  return targets.size === 0 ? wrong : { targets, hitCount };
}

function nothing(name: string, isLock: boolean, all: readonly Target[]): string {
  const names = [...new Set(all.map((t) => t.name))].sort();
  if (isLock)
    return `there is no lock '${name.slice(LOCK.length)}' in this scenario${didYouMean(name.slice(LOCK.length), names)}`;
  if (/[*?]/.test(name)) return `no kernel function, operation or fn matches '${name}'`;
  return `there is no kernel function that takes steps, no operation and no fn '${name}'${didYouMean(name, names)}`;
}

function describe(b: FunctionBreakpoint): DebugProtocol.Breakpoint {
  if (typeof b.bound === 'string') return { id: b.id, verified: false, message: b.bound, reason: 'failed' };
  const targets = [...b.bound.targets.values()];
  const site = targets.length === 1 ? firstSite(targets[0] as Target) : undefined;
  const names = targets.map((t) => t.name);
  return {
    id: b.id,
    verified: true,
    ...(site === undefined ? {} : { source: sourceOf(site), line: site.line }),
    ...(names.length > 1 ? { message: `${names.length} functions: ${names.join(', ')}` } : {}),
  };
}

/** The first place of a function at which a thread can stand. */
function firstSite(t: Target): Site | undefined {
  if (t.kind === 'fn') return t.site === undefined ? undefined : siteOf(t.site);
  if (t.kind !== 'model') return undefined;
  const sites = allSites().filter((s) => s.kind === 'model' && s.fn === t.name);
  return sites.sort((a, b) => a.line - b.line)[0];
}

const same = (a: WantedFunction, b: WantedFunction) =>
  a.name === b.name && a.condition === b.condition && a.hitCondition === b.hitCondition;
