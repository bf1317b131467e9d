/** The runner: it calls back once, gives way to messages, waits for slow clients, and survives a defect. */
import assert from 'node:assert/strict';
import { openSimulation, type Simulation } from '../../adapter/language/run/index.js';
import { Breakpoints } from '../../adapter/session/breakpoints/index.js';
import { type Host, Runner } from '../../adapter/session/runner.js';
import { FREE, GO, type Goal } from '../../adapter/session/stepping.js';

const open = (body: string): Simulation =>
  openSimulation({
    program: 'test.lockstep',
    text: `scenario "s" { setup { let n = 0 } thread t { ${body} } }`,
    args: { set: {}, use: {} },
    subsystems: [],
  });
const SPIN = 'while true { n = n + 1 }';

/** A host that collects what it is told, and the end of the run as a promise. */
class Told implements Host {
  readonly breakpoints = new Breakpoints(() => {});
  readonly calls: string[] = [];
  behind = false;
  readonly waiting: (() => void)[] = [];
  private done: () => void = () => {};
  readonly end = new Promise<void>((done) => {
    this.done = done;
  });

  stopped(): void {
    this.told('stopped');
  }
  over(): void {
    this.told('over');
  }
  crashed(error: Error): void {
    this.told(`crashed: ${error.message}`);
  }
  drained(then: () => void): void {
    if (this.behind) this.waiting.push(then);
    else setImmediate(then);
  }
  private told(call: string): void {
    this.calls.push(call);
    this.done();
  }
}

const turns = async (n: number) => {
  for (let k = 0; k < n; k++) await new Promise((done) => setImmediate(done));
};

describe('the runner', () => {
  const run = (sim: Simulation, goal: Goal = GO) => {
    const host = new Told();
    return { host, runner: new Runner(sim, goal, host) };
  };

  for (const goal of [GO, FREE])
    it(`says once that the run is over${goal.free ? ', also when nothing may stop it' : ''}`, async () => {
      const sim = open('n = n + 1');
      const { host } = run(sim, goal);
      await host.end;
      await turns(5);
      assert.deepEqual(host.calls, ['over']);
      assert.equal(sim.outcome?.passed, true);
    });

  it('lets others have a turn while it runs, and is silent once cancelled', async () => {
    const sim = open(SPIN);
    const { host, runner } = run(sim);
    await turns(4);
    const steps = sim.machine.steps;
    assert.ok(steps > 0);
    runner.cancel();
    await turns(4);
    assert.equal(sim.machine.steps, steps);
    assert.deepEqual(host.calls, []);
  });

  it('waits while the client is behind', async () => {
    const sim = open(SPIN);
    const { host, runner } = run(sim);
    host.behind = true;
    await turns(4);
    const steps = sim.machine.steps;
    await turns(4);
    assert.equal(sim.machine.steps, steps, 'nothing moves');
    host.behind = false;
    for (const go of host.waiting.splice(0)) go();
    await turns(2);
    assert.ok(sim.machine.steps > steps);
    runner.cancel();
  });

  it('reports what a step throws that is no fault of the scenario', async () => {
    const sim = open('n = n + 1');
    sim.stepThread = () => {
      throw new TypeError('a defect');
    };
    const { host } = run(sim);
    await host.end;
    assert.deepEqual(host.calls, ['crashed: a defect']);
  });
});
