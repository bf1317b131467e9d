/**
 * One run of a scenario: set-up, threads, `finally`, and what came of it. Command line, debugger and search all drive this.
 *
 * Nothing runs by itself: each call of `stepThread` takes one step, and between calls the state stands still.
 */
import type { SubsystemInstance } from '../../emulator/subsystem.js';
import {
  type Choice,
  type EventField,
  type Machine,
  Op,
  type Recorder,
  type Recording,
  type Scheduler,
  Sequential,
  type Site,
  siteOf,
  type Thread,
} from '../../machine/index.js';
import type { Diagnostic } from '../diagnostics.js';
import type * as ast from '../generated/ast.js';
import { Body } from '../interpreter/body.js';
import { isMistake, type Value } from '../interpreter/values.js';
import type { Always } from './always.js';
import { deadlock } from './deadlock.js';
import { type At, type Compiled, compile, type ScenarioScope, scopesOf } from './evaluate.js';
import { judge, type Outcome } from './outcome.js';
import type { Program } from './program.js';
import { waiting } from './waiting.js';

export type Phase = 'setup' | 'threads' | 'finally' | 'ended';

/** Everything that a run is made of; `open.ts` puts it together. */
export interface Parts {
  readonly path: string;
  readonly scenario: ast.Scenario;
  readonly program: Program;
  readonly machine: Machine;
  readonly subsystems: readonly SubsystemInstance[];
  readonly scheduler: Scheduler;
  /** Whether the scheduler follows a recording. */
  readonly replays: boolean;
  readonly recorder: Recorder;
  /** Threads of each phase, the machine's own daemons included. */
  readonly setup: readonly Thread[];
  readonly threads: readonly Thread[];
  readonly finally: readonly Thread[];
  readonly always: readonly Always[];
  readonly reachable: readonly { readonly title: string; holds(): boolean }[];
  readonly maxSteps: number;
  /** What the run depends on besides the choices, for a recording. */
  readonly identity: Pick<Recording, 'scenario' | 'hash' | 'args'>;
}

export class Simulation {
  phase: Phase = 'setup';
  /** Set when the run is over. */
  outcome: Outcome | null = null;
  readonly machine: Machine;
  private active: readonly Thread[];
  /** A recording is followed from the first step on; every other schedule speaks of the threads only. */
  private scheduler: Scheduler;
  private readonly alone = new Sequential();
  private readonly recorder: Recorder;
  /** Who looks at the state after every step: the subsystems, and from the end of `setup` on the scenario's own rules. */
  private readonly after: { afterStep?(): void }[];

  constructor(readonly parts: Parts) {
    this.machine = parts.machine;
    this.recorder = parts.recorder;
    this.active = parts.setup;
    this.scheduler = parts.replays ? parts.scheduler : this.alone;
    this.after = parts.subsystems.filter((s) => s.afterStep !== undefined);
    this.settle();
  }

  get path(): string {
    return this.parts.path;
  }
  get title(): string {
    return this.parts.scenario.title;
  }
  get subsystems(): readonly SubsystemInstance[] {
    return this.parts.subsystems;
  }

  /** Sites of all statements, by unit and in the order of the code. */
  get statements(): readonly Site[] {
    const sites = new Set(
      this.parts.program.units.flatMap((u) => u.code.filter((i) => i.stands).map((i) => i.site)),
    );
    return [...sites].map(siteOf);
  }

  /** The choices made so far. */
  get recording(): Recording {
    return { version: 1, ...this.parts.identity, choices: this.parts.recorder.choices };
  }

  /** Threads worth showing now: those of this phase; a daemon only while it has something to do. */
  threads(): readonly Thread[] {
    return this.active.filter((t) => !t.daemon || t.depth > 1 || this.machine.runnable(t));
  }

  /** Whom the schedule moves next; null when the run is over. Moves nobody, but may find that nobody can be moved. */
  pick(): Thread | null {
    if (this.outcome !== null) return null;
    const choice = this.choose();
    if (choice.kind === 'move') return choice.thread;
    const unfinished = this.active.filter((t) => !t.daemon && !t.ended);
    if (choice.kind === 'stuck') {
      const { message, report } = deadlock(this.machine, unfinished);
      this.machine.fail('deadlock', 'deadlock', message, report, unfinished[0] ?? null);
    } else
      this.machine.fail(
        'diverged',
        'schedule',
        choice.message,
        undefined,
        unfinished[0] ?? null,
        choice.site,
      );
    this.finish();
    return null;
  }

  private choose(): Choice {
    try {
      return this.scheduler.choose(this.machine, this.active);
    } catch (e) {
      if (!isMistake(e)) throw e;
      return { kind: 'diverged', message: e.message };
    }
  }

  /**
   * Takes one step of a thread; interrupts that it waits for are taken first. False when the thread cannot move, or the run
   * is over.
   */
  stepThread(t: Thread): boolean {
    while (this.outcome === null && !this.machine.runnable(t)) {
      const interrupt = t.ended ? undefined : this.active.find((d) => d.daemon && this.machine.runnable(d));
      if (interrupt === undefined) return false;
      this.take(interrupt);
    }
    if (this.outcome !== null || !this.active.includes(t)) return false;
    this.take(t);
    return true;
  }

  /** Runs by the schedule, with no stop but the end; returns whether the run goes on after so many steps. */
  run(steps: number): boolean {
    for (let n = 0; n < steps; n++) {
      const t = this.pick();
      if (t === null) return false;
      this.take(t);
    }
    return this.outcome === null;
  }

  private take(t: Thread): void {
    const { machine, after } = this;
    machine.step(t);
    this.scheduler.moved(t);
    this.recorder.moved(t);
    for (let k = 0; k < after.length; k++) (after[k] as { afterStep(): void }).afterStep();
    if (machine.failure !== null || t.op === Op.ended || machine.steps >= this.parts.maxSteps) this.settle();
  }

  /** Goes on to the next phase when all threads of this one have ended, and ends the run when it is over. */
  private settle(): void {
    const { machine, maxSteps } = this.parts;
    while (this.outcome === null) {
      if (machine.failure !== null) return this.finish();
      if (machine.steps >= maxSteps) {
        machine.fail(
          'limit',
          'steps',
          `the run was given up after ${maxSteps} steps; nothing says that it would end`,
        );
        return this.finish();
      }
      if (this.active.some((t) => !t.daemon && !t.ended)) return;
      this.nextPhase();
    }
  }

  private nextPhase(): void {
    const { parts } = this;
    if (this.phase === 'setup') {
      this.phase = 'threads';
      this.active = parts.threads;
      this.scheduler = parts.scheduler;
      for (const a of parts.always) a.afterStep();
      this.after.push(...parts.always);
    } else if (this.phase === 'threads') {
      this.phase = 'finally';
      this.active = parts.finally;
      if (!parts.replays) this.scheduler = this.alone;
    } else {
      for (const s of parts.subsystems) s.atEnd?.();
      this.finish();
    }
  }

  private finish(): void {
    const { machine, scenario } = this.parts;
    const notes = machine.failure === null ? this.parts.reachable.map((r) => reached(r)) : [];
    const expect = scenario.members.find((m): m is ast.Expect => m.$type === 'Expect');
    this.outcome = judge(expect, machine.failure, machine.steps, notes);
    this.phase = 'ended';
  }

  /** The line that a failure is blamed on: the scenario line of the thread that did it, or the rule's own; -1 for none. */
  get faultSite(): number {
    const f = this.machine.failure;
    if (f === null) return -1;
    if (f.site !== undefined) return f.site;
    return f.thread === null ? -1 : (f.thread.driver.frames(f.thread).at(-1)?.site ?? -1);
  }

  /** The stack of the thread that failed, innermost first, each as `at fast_page_fault (file:line)`. */
  stackOfFault(): string[] {
    const t = this.machine.failure?.thread;
    if (t === null || t === undefined) return [];
    return t.frames().map((f) => `at ${siteOf(f.site).fn} (${siteText(f.site)})`);
  }

  /** Why a thread cannot move, in words; null when it can. */
  blockedOn(t: Thread): string | null {
    if (t.ended) return 'has ended';
    return this.machine.runnable(t) ? null : waiting(t);
  }

  /** Whether the last step of a thread ran a `breakpoint` statement. */
  atBreakpointStatement(t: Thread): boolean {
    return t.driver instanceof Body && t.driver.paused;
  }

  /** Compiles an expression for a place; `names` are in scope besides those of the place. */
  compile(source: string, names: readonly EventField[] = [], at: At = {}): Compiled | readonly Diagnostic[] {
    return compile(this.parts.program, source, names, at);
  }

  /** Evaluates a compiled expression. Throws `ExpressionError` with a plain sentence. */
  evaluate(c: Compiled, at: At = {}): Value {
    this.machine.attach();
    return c.value(at);
  }

  /** Variables of a frame of the scenario's own code (0 is the innermost), and those of `setup`. */
  scopes(t: Thread, frame: number): ScenarioScope[] {
    return scopesOf(this.parts.program, t, frame);
  }

  /** Frames of the scenario's own code on a thread's stack. */
  scenarioDepth(t: Thread): number {
    return t.driver.frames(t).length;
  }
}

function reached(r: { readonly title: string; holds(): boolean }): string {
  const name = r.title === '' ? 'reachable' : `reachable "${r.title}"`;
  try {
    return r.holds()
      ? `${name}: reached by this schedule`
      : `${name}: not reached by this schedule; other schedules may reach it`;
  } catch (e) {
    return `${name}: ${(e as Error).message}`;
  }
}

/** `FILE:LINE:COLUMN` of a site; empty for none. */
export function siteText(site: number): string {
  const s = site < 0 ? undefined : siteOf(site);
  return s === undefined ? '' : `${s.file}:${s.line}:${s.column}`;
}
