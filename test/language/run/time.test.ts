import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  type Future,
  loadProgram,
  openScenario,
  type Simulation,
} from '../../../adapter/language/run/index.js';
import { Rng } from '../../../adapter/machine/index.js';
import { digest } from './digest.js';

const FOLDER = 'scenarios/mmu';
const JOURNAL = 1 << 20;

function open(file: string, title: string, policy?: string): Simulation {
  const loaded = loadProgram(file);
  const scenario = loaded.scenarios.find((s) => s.title === title);
  assert.ok(scenario);
  const args = { set: {}, use: {}, scenario: title, ...(policy === undefined ? {} : { policy }) };
  return openScenario(loaded, scenario, { program: file, args, journal: JOURNAL });
}

/** Takes a run to its end; the states before each step, and the last. */
function play(sim: Simulation): string[] {
  const states = [digest(sim)];
  for (let t = sim.pick(); t !== null && states.length < 1500; t = sim.pick()) {
    sim.stepThread(t);
    while (states.length < sim.position) states.push('');
    states.push(digest(sim));
  }
  // That nobody can move is found when it is asked who moves next.
  states[sim.position] = digest(sim);
  return states;
}

function run(sim: Simulation): void {
  while (sim.run(1000));
}

const all = readdirSync(FOLDER)
  .filter((f) => f.endsWith('.lockstep'))
  .flatMap((f) => loadProgram(join(FOLDER, f)).scenarios.map((s) => [join(FOLDER, f), s.title] as const));

describe('time travel', () => {
  for (const [file, title] of all)
    it(`${title}: every position is as it was, forwards and backwards`, () => {
      const sim = open(file, title);
      const states = play(sim);
      const last = sim.position;
      fc.assert(
        fc.property(fc.array(fc.nat({ max: last }), { minLength: 1, maxLength: 8 }), (positions) => {
          for (const p of positions) {
            sim.goTo(p);
            assert.equal(sim.position, p);
            if (states[p] !== '' && p < last)
              assert.equal(withoutNext(digest(sim)), withoutNext(states[p] as string));
          }
        }),
        { seed: 11, numRuns: 5 },
      );
      sim.goTo(last);
      if (sim.outcome === null) sim.pick();
      assert.equal(withoutNext(digest(sim)), withoutNext(states[last] as string));
    });

  for (const policy of ['random(seed: 3)', 'pct(seed: 5, depth: 3)', 'round_robin'])
    it(`goes back step by step in a ${policy} schedule, and on by it`, () => {
      const [file, title] = all.find(([f]) => f.endsWith('first-tour.lockstep')) as [string, string];
      const sim = open(file, title, policy);
      const states = play(sim);
      for (let p = sim.position - 1; p >= 0; p--) {
        sim.goTo(p);
        assert.equal(withoutNext(digest(sim)), withoutNext(states[p] as string), `position ${p}`);
      }
      const again = open(file, title, policy);
      assert.deepEqual(play(again), states);
    });
});

describe('wandering through a run', () => {
  /** What was done to get here: who moved at each step so far, and what was set. */
  const wayTo = (sim: Simulation) => {
    let left = sim.position;
    const runs = sim.timeline.recorder.runs().flatMap(([thread, steps]) => {
      const taken = Math.min(steps, left);
      left -= taken;
      return taken > 0 ? [`${thread.name} ${taken}`] : [];
    });
    const set = sim.timeline.allEdits.filter((e) => e.step <= sim.position);
    return JSON.stringify([runs, set.map((e) => [e.step, e.text])]);
  };
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('step' as const), n: fc.nat({ max: 40 }), who: fc.nat() }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('go' as const), n: fc.nat(), who: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('run' as const), n: fc.nat({ max: 200 }), who: fc.nat() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('set' as const), n: fc.nat({ max: 9 }), who: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('future' as const), n: fc.nat(), who: fc.nat() }) },
  );

  const doIt = (sim: Simulation, { kind, n, who }: { kind: string; n: number; who: number }) => {
    if (kind === 'go') return sim.goTo(n % (sim.known + 1));
    if (kind === 'run') return void sim.run(n);
    if (kind === 'future') {
      const { futures } = sim.timeline;
      const future = futures[n % Math.max(1, futures.length)];
      if (future !== undefined) sim.resumeFuture(future);
      return;
    }
    if (sim.outcome !== null) return;
    if (kind === 'set') return sim.assign(`vm.tlbs_dirty = ${n}`);
    const able = sim.threads().filter((t) => sim.machine.runnable(t));
    const thread = able[who % Math.max(1, able.length)];
    for (let k = 0; k < n && thread !== undefined && sim.stepThread(thread); k++);
  };

  for (const name of ['lost-dirty-log', 'first-tour', 'stale-entry', 'lost-dirty-bit'])
    it(`${name}: the same way leads to the same state, however often it is gone`, () => {
      const [file, title] = all.find(([f]) => f.endsWith(`${name}.lockstep`)) as [string, string];
      fc.assert(
        fc.property(fc.array(act, { minLength: 5, maxLength: 30 }), (acts) => {
          const sim = open(file, title);
          const seen = new Map<string, string>();
          for (const a of acts) {
            doIt(sim, a);
            const way = wayTo(sim);
            const state = withoutNext(digest(sim));
            // Only asking who moves next tells that nobody can: that is no step, and is as it was found.
            const known = seen.get(way) ?? state;
            if (sim.outcome === null) assert.equal(state, known, `${way} after ${JSON.stringify(a)}`);
            seen.set(way, known);
          }
        }),
        { seed: 21, numRuns: 12 },
      );
    });
});

describe('checkpoints', () => {
  it('take a run back further than its journal reaches, to what it was', () => {
    const file = 'test/dap/fixtures/long.lockstep';
    const loaded = loadProgram(file);
    const args = { set: { rounds: 1500n }, use: {} };
    const [scenario] = loaded.scenarios;
    assert.ok(scenario);
    const sim = openScenario(loaded, scenario, { program: file, args, journal: 1000, checkpoints: 5000 });
    const rng = new Rng(4);
    const states = new Map<number, string>();
    while (sim.run(1 + rng.below(4000))) states.set(sim.position, digest(sim));
    assert.ok(sim.earliest > 50_000, `${sim.earliest}`);
    const last = sim.position;
    const positions = [...states.keys()];
    for (let n = 0; n < 25; n++) {
      const p = n === 0 ? 0 : (positions[rng.below(positions.length)] as number);
      sim.goTo(p);
      assert.equal(sim.position, p);
      if (n > 0)
        assert.equal(withoutNext(digest(sim)), withoutNext(states.get(p) as string), `position ${p}`);
    }
    sim.goTo(last);
    assert.equal(sim.outcome?.passed, true);
  });
});

describe('futures', () => {
  const openRace = () => {
    const [file, title] = all.find(([f]) => f.endsWith('lost-dirty-log.lockstep')) as [string, string];
    return open(file, title);
  };
  const threadsOf = (sim: Simulation) => sim.parts.threads.filter((t) => !t.daemon);

  it('a step of another thread in the past leaves the future, which can be gone back to', () => {
    const sim = openRace();
    run(sim);
    const end = digest(sim);
    const left: Future[] = [];
    sim.timeline.onFork = (f) => left.push(f);
    const last = sim.position;
    let at = last - 1;
    const other = () => threadsOf(sim).find((t) => t !== sim.pick() && sim.machine.runnable(t));
    for (sim.goTo(at); other() === undefined; sim.goTo(--at));
    assert.ok(sim.stepThread(other() as never));
    assert.equal(sim.known, sim.position);
    assert.deepEqual(
      left.map((f) => [f.from, f.to]),
      [[at, last]],
    );
    sim.resumeFuture(left[0] as Future);
    assert.equal(sim.position, at);
    assert.equal(sim.known, last);
    sim.goTo(last);
    if (sim.outcome === null) sim.pick();
    assert.equal(withoutNext(digest(sim)), withoutNext(end));
  });

  it('a value that was set is set again when the same steps are taken, and not in the future that was left', () => {
    const sim = openRace();
    run(sim);
    const total = () => sim.evaluate(sim.compile('vm.arch.n_used_mmu_pages') as never) as number;
    const at = Math.floor(sim.position / 2);
    sim.goTo(at);
    const before = total();
    sim.assign('vm.arch.n_used_mmu_pages = 77');
    assert.equal(total(), 77);
    for (let n = 0; n < 5; n++) sim.stepThread(sim.pick() as never);
    const there = digest(sim);
    const p = sim.position;
    sim.goTo(at - 3);
    assert.equal(total(), before);
    sim.goTo(p);
    assert.equal(digest(sim), there);
    sim.resumeFuture(sim.timeline.futures[0] as Future);
    assert.equal(total(), before);
    assert.ok(sim.known > p);
  });

  it('what cannot be set changes nothing and says why', () => {
    const sim = openRace();
    run(sim);
    sim.goTo(sim.position - 2);
    const before = digest(sim);
    for (const text of ['vm.nothing = 3', 'vm.arch.n_used_mmu_pages', '1 = 2', 'vm.arch = 3', ')('])
      assert.throws(() => sim.assign(text), { message: /\w/ });
    assert.equal(digest(sim), before);
    assert.equal(sim.timeline.futures.length, 0);
  });
});

/** The threads that are shown depend on whether the future is known. */
const withoutNext = (state: string) =>
  JSON.stringify((JSON.parse(state) as unknown[]).toSpliced(8, 1), null, 1);
