/** The choices of a run: recorded, written to a `.schedule.json` file, and followed again. */
import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { type Choice, move, type Scheduler, STUCK } from './scheduler.js';
import { Sequential } from './sequential.js';

/** Contents of a `.schedule.json` file. */
export interface Recording {
  readonly version: 1;
  /** Title of the scenario, and a hash of everything that the run depended on. */
  readonly scenario: string;
  readonly hash: string;
  /** Launch arguments that shaped the run, as on the command line. */
  readonly args: readonly string[];
  /** Who moved, and how many steps in a row. */
  readonly choices: readonly (readonly [thread: string, steps: number])[];
  /** How a run goes on that was recorded before it was over. A recording without this is of a whole run. */
  readonly rest?: 'sequential';
}

/** The choices of a run by step, run-length coded: what has been done, and on a run that went back what was done after it. */
export class Recorder {
  private readonly movers: Thread[] = [];
  /** The step at which each mover begins. */
  private readonly from: number[] = [];
  private end = 0;
  /** Who took the last step. */
  private last: Thread | undefined;
  /** The run that was asked for last: questions come in order, mostly. */
  private at = 0;

  /** Number of recorded steps. */
  get length(): number {
    return this.end;
  }

  /** Adds a step at the end. */
  moved(thread: Thread): void {
    if (this.last !== thread) {
      this.last = thread;
      this.movers.push(thread);
      this.from.push(this.end);
    }
    this.end++;
  }

  /** Records these choices and no others. */
  replace(runs: readonly (readonly [thread: Thread, steps: number])[]): void {
    this.truncate(0);
    for (const [thread, steps] of runs) {
      this.movers.push(thread);
      this.from.push(this.end);
      this.end += steps;
    }
    this.last = this.movers.at(-1);
  }

  /** Who took a step. Undefined for one that is not recorded. */
  mover(step: number): Thread | undefined {
    if (step < 0 || step >= this.end) return undefined;
    let k = Math.min(this.at, this.from.length - 1);
    while ((this.from[k] as number) > step) k--;
    while (k + 1 < this.from.length && (this.from[k + 1] as number) <= step) k++;
    this.at = k;
    return this.movers[k];
  }

  /** Forgets the steps from `step` on. */
  truncate(step: number): void {
    if (step >= this.end) return;
    this.end = Math.max(0, step);
    while (this.from.length > 0 && (this.from.at(-1) as number) >= this.end) {
      this.from.pop();
      this.movers.pop();
    }
    this.at = 0;
    this.last = this.movers.at(-1);
  }

  /** The choices from a step on. */
  runs(from = 0): readonly (readonly [thread: Thread, steps: number])[] {
    return this.movers.flatMap((thread, k) => {
      const start = Math.max(from, this.from[k] as number);
      const steps = (this.from[k + 1] ?? this.end) - start;
      return steps > 0 ? [[thread, steps] as const] : [];
    });
  }

  get choices(): readonly (readonly [string, number])[] {
    return this.runs().map(([thread, steps]) => [thread.name, steps]);
  }
}

/**
 * Follows recorded choices step by step, and says where they cannot be followed any more. It remembers nothing: which choice is
 * next follows from the steps that were taken.
 */
export class Replay implements Scheduler {
  readonly name = 'replay';
  /** The step before which each run of choices ends. */
  private readonly ends: readonly number[];
  /** The run that was asked for last: questions come in order, mostly. */
  private at = 0;
  private readonly rest: Sequential | null;

  constructor(private readonly recording: Pick<Recording, 'choices' | 'rest'>) {
    let end = 0;
    this.ends = recording.choices.map(([, steps]) => {
      end += steps;
      return end;
    });
    this.rest = recording.rest === 'sequential' ? new Sequential() : null;
  }

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const { steps } = machine;
    const name = this.mover(steps);
    if (name === undefined) return this.beyond(machine, threads);
    const thread = threads.find((t) => t.name === name);
    if (thread === undefined)
      return diverged(steps, `the recording moves '${name}', but there is no such thread now`);
    if (!machine.runnable(thread)) {
      const found = thread.ended ? 'has ended' : `${thread.describe()} and cannot go on`;
      return diverged(steps, `the recording moves '${name}', but it ${found}`);
    }
    return move(thread);
  }

  moved(thread: Thread): void {
    this.rest?.moved(thread);
  }

  /** Who is recorded to take a step; undefined after the last. */
  private mover(step: number): string | undefined {
    const { ends } = this;
    while (this.at > 0 && (ends[this.at - 1] as number) > step) this.at--;
    while (this.at < ends.length && (ends[this.at] as number) <= step) this.at++;
    return this.recording.choices[this.at]?.[0];
  }

  private beyond(machine: Machine, threads: readonly Thread[]): Choice {
    if (this.rest !== null) return this.rest.choose(machine, threads);
    const able = threads.filter((t) => !t.ended && machine.runnable(t));
    if (able.length === 0) return STUCK;
    const names = able.map((t) => t.name).join(', ');
    return diverged(machine.steps, `the recording ends here, but ${names} can still move`);
  }
}

const diverged = (step: number, why: string): Choice => ({
  kind: 'diverged',
  message: `at step ${step}: ${why}`,
});

/**
 * Reads a recording. Throws an `Error` that says in plain words what is wrong with the text.
 * @param text contents of a `.schedule.json` file
 */
export function parseRecording(text: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (e) {
    throw new Error(`not a schedule file: ${(e as Error).message}`);
  }
  const r = value as Partial<Recording> | null;
  if (typeof r !== 'object' || r === null || r.version !== 1)
    throw new Error("not a schedule file: 'version' must be 1");
  const runs = r.choices;
  const sound = (c: unknown) =>
    Array.isArray(c) && typeof c[0] === 'string' && Number.isSafeInteger(c[1]) && c[1] > 0;
  if (!Array.isArray(runs) || !runs.every(sound))
    throw new Error("not a schedule file: 'choices' must be a list of [thread, steps] pairs");
  if (r.rest !== undefined && r.rest !== 'sequential')
    throw new Error("not a schedule file: 'rest' can only be 'sequential'");
  if (typeof r.scenario !== 'string' || typeof r.hash !== 'string')
    throw new Error("not a schedule file: 'scenario' and 'hash' must be texts");
  return {
    version: 1,
    scenario: r.scenario,
    hash: r.hash,
    args: Array.isArray(r.args) ? r.args.map(String) : [],
    choices: runs,
    ...(r.rest === 'sequential' ? { rest: r.rest } : {}),
  };
}
