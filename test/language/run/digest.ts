/** Everything that can be seen of a run that stands still, as one text: for comparing states. */

import type { Simulation } from '../../../adapter/language/run/index.js';
import { infoOf, isIndexed, KObject, Lock, siteOf, type Thread } from '../../../adapter/machine/index.js';

/** The state of kernel memory, of the threads with their stacks and locals, and of the run itself. */
export function digest(sim: Simulation): string {
  sim.machine.attach();
  const walker = new Walker();
  const threads = sim.machine.threads.map((t) => threadText(t, walker));
  const scopes = sim.machine.threads.flatMap((t) =>
    sim.scenarioDepth(t) === 0
      ? []
      : sim.scopes(t, 0).map((s) => [t.name, s.name, s.variables.map((v) => [v.name, walker.text(v.value)])]),
  );
  const roots = sim.subsystems.flatMap((s) =>
    s.roots().map(([name, value]) => `${name} ${walker.text(value)}`),
  );
  const next = sim.position < sim.known || sim.outcome !== null ? null : sim.threads().map((t) => t.name);
  return JSON.stringify(
    [
      sim.position,
      sim.phase,
      sim.outcome?.headline,
      sim.machine.failure?.message,
      threads,
      scopes,
      roots,
      walker.objects,
      next,
      sim.machine.phys.frames,
    ],
    (_, v) => (typeof v === 'bigint' ? `0x${v.toString(16)}` : v),
    1,
  );
}

function threadText(t: Thread, walker: Walker): unknown {
  const frames = t.frames().map((f) => {
    const s = siteOf(f.site);
    let locals: unknown;
    try {
      locals = f.locals().map(([n, v]) => [n, walker.text(v)]);
    } catch (e) {
      locals = (e as Error).message;
    }
    return [s.fn, s.line, s.column, locals];
  });
  const calls = Array.from({ length: t.depth }, (_, d) => t.frameAt(d).call);
  return [t.name, t.ended, t.steps, t.allocations, t.describe(), frames, calls];
}

class Walker {
  private readonly numbers = new Map<KObject, number>();
  readonly objects: unknown[] = [];

  /** A value in one line; objects by the number under which they are described in `objects`. */
  text(v: unknown): unknown {
    if (v instanceof KObject) return `#${this.number(v)}`;
    if (Array.isArray(v)) return v.map((x) => this.text(x));
    if (typeof v === 'function') return 'function';
    if (typeof v === 'object' && v !== null) {
      if (Object.getPrototypeOf(v) !== Object.prototype) return v.constructor.name;
      return Object.entries(v).map(([k, x]) => [k, this.text(x)]);
    }
    return v;
  }

  private number(o: KObject): number {
    const known = this.numbers.get(o);
    if (known !== undefined) return known;
    const n = this.numbers.size;
    this.numbers.set(o, n);
    this.objects[n] = null;
    this.objects[n] = [o.$name, o.$id, o.$freed?.step ?? null, ...this.inside(o)];
    return n;
  }

  private inside(o: KObject): unknown[] {
    if (o instanceof Lock) return [o.name, (o.$get() as Thread | null)?.name ?? null];
    const stored = (o as { $v?: unknown[] }).$v;
    if (infoOf(o) !== undefined && stored !== undefined) return stored.map((v) => this.text(v));
    if (!isIndexed(o) || o.$freed !== null) return [];
    return Array.from({ length: o.length }, (_, i) => i)
      .filter((i) => o.occupied === undefined || o.occupied(i))
      .map((i) => [i, this.text(o.element(i))]);
  }
}
