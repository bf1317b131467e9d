/** The same run once more, beside the one that is debugged: what was walked so far can be looked at again step by step. */
import { openScenario, parseArguments, type Simulation } from '../../language/run/index.js';
import type { Thread } from '../../machine/index.js';
import { notRepeatable } from '../errors.js';

/** Who took each step so far, in order. */
export function* movers(sim: Simulation): Generator<string> {
  let left = sim.machine.steps;
  for (const [name, steps] of sim.recording.choices)
    for (let k = 0; k < steps && left > 0; k++, left--) yield name;
}

export class Again {
  /** A run of the same scenario, on its own machine, by nobody's schedule. */
  readonly sim: Simulation;

  constructor(private readonly of: Simulation) {
    const { program, scenario, identity } = of.parts;
    this.sim = openScenario(program.file, scenario, {
      program: of.path,
      args: parseArguments([...identity.args]),
    });
  }

  /**
   * Takes the steps so far once more, and gives each thread before it moves. Throws the error that says so when the steps cannot
   * be taken: the state was changed by hand in between.
   */
  *steps(): Generator<Thread> {
    const { sim } = this;
    for (const name of movers(this.of)) {
      const thread = sim.machine.threads.find((t) => t.name === name && !t.ended);
      if (thread === undefined) throw notRepeatable(name, sim.machine.steps);
      sim.machine.attach();
      yield thread;
      const before = sim.machine.steps;
      if (!sim.stepThread(thread) || sim.machine.steps !== before + 1) throw notRepeatable(name, before);
    }
  }
}
