/** `lockstep run`: runs scenarios and says how they ended. */
import { writeFileSync } from 'node:fs';
import {
  chooseScenario,
  formatDiagnostic,
  fromOptions,
  LaunchError,
  loadProgram,
  type Outcome,
  type Output,
  openScenario,
  type Simulation,
  siteText,
} from '../language/run/index.js';

/** Steps between two looks at whether the person wants to stop. */
const SLICE = 5_000;

interface RunOptions {
  readonly record?: string;
  readonly json?: boolean;
  readonly counters?: boolean;
  readonly quiet?: boolean;
}

/** Runs every scenario of the files, or the chosen one. Returns the exit status: 0, 1 for a failure, 2 for bad input. */
export async function run(files: readonly string[], options: Record<string, unknown>): Promise<number> {
  const o = options as RunOptions;
  const args = fromOptions(
    pick(options, ['scenario', 'profile', 'set', 'use', 'policy', 'schedule', 'maxSteps']),
  );
  const stop = interruption();
  const statuses: number[] = [];
  let ran = 0;
  for (const path of files) {
    try {
      const file = loadProgram(path);
      if (!o.quiet && !o.json)
        for (const d of file.diagnostics) process.stderr.write(`${formatDiagnostic(d)}\n`);
      const one = args.scenario !== undefined || args.schedule !== undefined || o.record !== undefined;
      const scenarios = one ? [chooseScenario(file, args.scenario)] : file.scenarios;
      if (scenarios.length === 0) chooseScenario(file, undefined);
      for (const scenario of scenarios) {
        const simulation = openScenario(file, scenario, { program: path, args, output: (t) => print(t, o) });
        const finished = await toEnd(simulation, stop);
        ran++;
        if (o.record !== undefined) writeFileSync(o.record, `${JSON.stringify(simulation.recording)}\n`);
        if (!finished) {
          process.stderr.write(
            `${path}: "${simulation.title}": interrupted after ${simulation.machine.steps} steps\n`,
          );
          return 130;
        }
        statuses.push(report(simulation, o));
      }
    } catch (e) {
      if (!(e instanceof LaunchError)) throw e;
      process.stderr.write(`${e.message}\n`);
      statuses.push(2);
    }
  }
  if (!o.json && !o.quiet && ran > 1) summary(ran, statuses);
  return Math.max(0, ...statuses);
}

function pick(o: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((n) => o[n] !== undefined).map((n) => [n, o[n]]));
}

/** Notes that the person has pressed Ctrl-C; a second time ends the process at once. */
function interruption(): { readonly asked: boolean } {
  const state = { asked: false };
  process.on('SIGINT', () => {
    if (state.asked) process.exit(130);
    state.asked = true;
  });
  return state;
}

async function toEnd(simulation: Simulation, stop: { readonly asked: boolean }): Promise<boolean> {
  while (simulation.run(SLICE)) {
    await new Promise((go) => setImmediate(go));
    if (stop.asked) return false;
  }
  return true;
}

function print(t: Output, o: RunOptions): void {
  if (o.json) return;
  if (t.category === 'important') process.stderr.write(`${t.text}\n`);
  else if (!o.quiet) process.stdout.write(`${t.text}\n`);
}

/** Prints how a run ended; returns its exit status. */
function report(s: Simulation, o: RunOptions): number {
  const outcome = s.outcome as Outcome;
  const status = outcome.passed ? 0 : outcome.badInput ? 2 : 1;
  const at = siteText(s.faultSite);
  if (o.json) {
    const counters = Object.fromEntries(s.subsystems.map((i) => [i.subsystem.name, i.counters()]));
    const failure =
      outcome.failure === null
        ? null
        : { kind: outcome.failure.kind, rule: outcome.failure.rule, message: outcome.failure.message, at };
    const line = {
      file: s.path,
      scenario: s.title,
      passed: outcome.passed,
      headline: outcome.headline,
      steps: s.machine.steps,
      failure,
      counters,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return status;
  }
  if (outcome.passed && o.quiet) return status;
  const where = outcome.passed || at === '' ? s.path : at;
  process.stdout.write(`${where}: ${outcome.passed ? '' : 'error: '}"${s.title}": ${outcome.headline}\n`);
  if (!outcome.passed || outcome.failure === null)
    for (const l of outcome.lines) process.stdout.write(`  ${l}\n`);
  if (!outcome.passed) for (const l of s.stackOfFault()) process.stdout.write(`  ${l}\n`);
  if (o.counters)
    for (const i of s.subsystems)
      for (const [name, value] of Object.entries(i.counters()))
        if (value !== 0) process.stdout.write(`  ${i.subsystem.name}.${name} = ${value}\n`);
  return status;
}

function summary(ran: number, statuses: readonly number[]): void {
  const failed = statuses.filter((x) => x !== 0).length;
  process.stdout.write(`${ran} scenarios run, ${failed === 0 ? 'all as expected' : `${failed} failed`}\n`);
}
