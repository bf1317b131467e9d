/** Runs scenarios given as text. */
import {
  type Outcome,
  openSimulation,
  type RunArguments,
  siteText,
} from '../../../adapter/language/run/index.js';

export interface Ran {
  readonly outcome: Outcome;
  readonly printed: readonly string[];
  readonly steps: number;
  /** The line that a failure is blamed on. */
  readonly at: string;
}

/** Runs one scenario to its end, by its schedule. */
export function runText(text: string, args: Partial<RunArguments> = {}): Ran {
  const printed: string[] = [];
  const simulation = openSimulation({
    program: 'test.lockstep',
    text,
    args: { set: {}, use: {}, ...args },
    output: (o) => printed.push(o.text),
    subsystems: [],
  });
  while (simulation.run(1000));
  return {
    outcome: simulation.outcome as Outcome,
    printed,
    steps: simulation.machine.steps,
    at: siteText(simulation.faultSite),
  };
}

/** Runs the body of one thread, and returns what it printed. */
export function runBody(body: string, before = ''): readonly string[] {
  const { outcome, printed } = runText(`${before}\nscenario "s" { thread t { ${body} } }`);
  if (!outcome.passed) throw new Error(outcome.headline);
  return printed;
}
