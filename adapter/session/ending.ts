/** What is told at the end of a run: the outcome, what led to it, and the counters. */
import type { Simulation } from '../language/run/index.js';
import { FAILURES, type Failure, type Site, siteOf } from '../machine/index.js';

/** A line of output. */
export interface EndLine {
  readonly category: 'stdout' | 'stderr' | 'console';
  readonly text: string;
  readonly site?: Site;
}

/** What is told when the run stops at a failure: what is wrong, where, and the report. */
export function failureLines(sim: Simulation, failure: Failure): EndLine[] {
  const said = `${FAILURES[failure.kind].label}: ${failure.message}`;
  const { report = '' } = failure;
  // A report in the field's form often begins with the message itself.
  const text = report.includes(failure.message) ? report : [said, report].filter((t) => t !== '').join('\n');
  return [{ category: 'stderr', text: `${text}\n`, ...faultSite(sim) }];
}

/** The last lines of a run that is over. `told`: its failure has been told already. */
export function endLines(sim: Simulation, told: boolean): EndLine[] {
  const { outcome } = sim;
  if (outcome === null) return [];
  const category = outcome.passed ? 'console' : 'stderr';
  const counters = sim.subsystems.flatMap((s) => {
    const some = Object.entries(s.counters()).filter(([, n]) => n !== 0);
    return some.length === 0
      ? []
      : `${s.subsystem.name}: ${some.map(([name, n]) => `${name} ${n}`).join(', ')}`;
  });
  return [
    ...(told ? [] : outcome.lines).map((text) => ({ category, text: `${text}\n` }) as const),
    { category, text: `${sim.title}: ${outcome.headline}\n`, ...(outcome.passed ? {} : faultSite(sim)) },
    ...counters.map((text) => ({ category: 'console', text: `${text}\n` }) as const),
  ];
}

/** The line that a failure is blamed on. */
const faultSite = (sim: Simulation) => (sim.faultSite < 0 ? {} : { site: siteOf(sim.faultSite) });
