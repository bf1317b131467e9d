/** The choices of a run: recorded, written to a `.schedule.json` file, and followed again. */
import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { type Choice, move, type Scheduler, STUCK } from './scheduler.js';

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
}

/** The choices of a run by step, run-length coded: what has been done, and on a run that went back what was done after it. */
export class Recorder {
  private readonly movers: Thread[] = [];
  /** The step at which each mover begins. */
  private readonly from: number[] = [];
  private end = 0;
  /** The run that was asked for last: questions come in order, mostly. */
  private at = 0;

  /** Number of recorded steps. */
  get length(): number {
    return this.end;
  }

  /** Adds a step at the end. */
  moved(thread: Thread): void {
    if (this.movers.at(-1) !== thread) {
      this.movers.push(thread);
      this.from.push(this.end);
    }
    this.end++;
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

/** Follows recorded choices step by step, and says where they cannot be followed any more. */
export class Replay implements Scheduler {
  readonly name = 'replay';
  private run = 0;
  private taken = 0;
  private step = 0;

  constructor(private readonly choices: Recording['choices']) {}

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const next = this.choices[this.run];
    if (next === undefined) {
      const able = threads.filter((t) => !t.ended && machine.runnable(t));
      if (able.length === 0) return STUCK;
      return this.diverged(
        `the recording ends here, but ${able.map((t) => t.name).join(', ')} can still move`,
      );
    }
    const thread = threads.find((t) => t.name === next[0]);
    if (thread === undefined)
      return this.diverged(`the recording moves '${next[0]}', but there is no such thread now`);
    if (!machine.runnable(thread)) {
      const found = thread.ended ? 'has ended' : `${thread.describe()} and cannot go on`;
      return this.diverged(`the recording moves '${next[0]}', but it ${found}`);
    }
    return move(thread);
  }

  moved(): void {
    this.step++;
    if (++this.taken >= (this.choices[this.run]?.[1] ?? 0)) {
      this.run++;
      this.taken = 0;
    }
  }

  private diverged(why: string): Choice {
    return { kind: 'diverged', message: `at step ${this.step}: ${why}` };
  }
}

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
  if (typeof r.scenario !== 'string' || typeof r.hash !== 'string')
    throw new Error("not a schedule file: 'scenario' and 'hash' must be texts");
  return {
    version: 1,
    scenario: r.scenario,
    hash: r.hash,
    args: Array.isArray(r.args) ? r.args.map(String) : [],
    choices: runs,
  };
}
