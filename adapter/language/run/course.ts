/**
 * The course of a run: set-up, threads, `finally`, who moves at each step, and what came of it. All that it remembers goes back in
 * time with the machine. `simulation.ts` adds what one can do with a run besides moving it.
 */
import type { SubsystemInstance } from '../../emulator/subsystem.js';
import {
  type Choice,
  Kept,
  type Machine,
  Op,
  type Recorder,
  type Recording,
  type Scheduler,
  Sequential,
  type Thread,
} from '../../machine/index.js';
import type * as ast from '../generated/ast.js';
import { isMistake } from '../interpreter/values.js';
import type { Always } from './always.js';
import { deadlock } from './deadlock.js';
import { judge, type Outcome } from './outcome.js';
import type { Program } from './program.js';
import { type Edit, Timeline } from './timeline.js';

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

/** Who looks at the state after every step. */
type Looker = { afterStep?(): void };

export class Course {
  readonly machine: Machine;
  /** What was done, what was done after it by a run that has gone back, and the futures that were left. */
  readonly timeline: Timeline;
  private readonly now = new Kept<Phase>('setup');
  private readonly result = new Kept<Outcome | null>(null);
  /** What follows from the phase. */
  private active: readonly Thread[] = [];
  /** A recording is followed from the first step on; every other schedule speaks of the threads only. */
  private scheduler: Scheduler;
  private readonly alone = new Sequential();
  /** The subsystems, and from the end of `setup` on the scenario's own rules. */
  private after: readonly Looker[] = [];
  private readonly lookers: readonly Looker[];

  constructor(readonly parts: Parts) {
    this.machine = parts.machine;
    this.timeline = new Timeline(parts.recorder);
    this.scheduler = this.alone;
    this.lookers = parts.subsystems.filter((s) => s.afterStep !== undefined);
    this.entered();
    this.settle();
    this.machine.journal?.opened();
  }

  get phase(): Phase {
    return this.now.value;
  }
  /** Set when the run is over. */
  get outcome(): Outcome | null {
    return this.result.value;
  }
  /** Steps taken so far. Position p is before step number p, counted from 0. */
  get position(): number {
    return this.machine.steps;
  }
  /** Threads worth showing now: those of this phase; a daemon only while it has something to do. */
  threads(): readonly Thread[] {
    return this.active.filter((t) => !t.daemon || t.depth > 1 || this.machine.runnable(t));
  }

  /** Threads that nothing moves but `stepThread`: the schedule goes on with others, if it can. */
  readonly frozen = new Set<Thread>();
  /** The frozen thread without which the schedule could not go on when it was last asked. */
  heldUp: Thread | null = null;

  /**
   * Whom the schedule moves next; null when the run is over, or when it could only move a thread that is frozen (`heldUp`).
   * Moves nobody, but may find that nobody can be moved.
   */
  pick(): Thread | null {
    this.heldUp = null;
    if (this.outcome !== null) return null;
    const recorded = this.timeline.recorder.mover(this.position);
    if (recorded !== undefined) return this.frozen.has(recorded) ? this.pickOther(recorded) : recorded;
    const choice = this.choose(this.active);
    if (choice.kind === 'move')
      return this.frozen.has(choice.thread) ? this.pickOther(choice.thread) : choice.thread;
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

  /** Whom the schedule moves instead of a thread that is frozen. */
  private pickOther(wanted: Thread): Thread | null {
    const choice = this.choose(this.active.filter((t) => !this.frozen.has(t)));
    if (choice.kind === 'move') return choice.thread;
    this.heldUp = wanted;
    return null;
  }

  private choose(threads: readonly Thread[]): Choice {
    try {
      return this.scheduler.choose(this.machine, threads);
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
      const interrupt = t.ended ? undefined : this.active.find((d) => this.interrupts(d));
      if (interrupt === undefined) return false;
      this.take(interrupt);
    }
    if (this.outcome !== null || !this.active.includes(t)) return false;
    this.take(t);
    return true;
  }

  private interrupts(t: Thread): boolean {
    return t.daemon && !this.frozen.has(t) && this.machine.runnable(t);
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

  protected take(t: Thread): void {
    const { machine, after } = this;
    this.timeline.moves(t, machine.steps);
    machine.step(t);
    this.scheduler.moved(t);
    for (let k = 0; k < after.length; k++) (after[k] as { afterStep(): void }).afterStep();
    if (machine.failure !== null || t.op === Op.ended || machine.steps >= this.parts.maxSteps) this.settle();
    if (this.timeline.hasEdits) this.again(this.timeline.editsAt(machine.steps));
    this.look();
  }

  /** Sets values as they were set the first time. */
  protected again(edits: readonly Edit[]): void {
    for (const e of edits) {
      this.machine.journal?.byHand(e.apply);
      this.look();
    }
  }

  /** Lets the schedule go on to what comes next. What is wrong with it is found when it is asked who moves. */
  protected look(): void {
    if (this.scheduler.look === undefined || this.outcome !== null) return;
    try {
      this.scheduler.look(this.machine, this.active);
    } catch (e) {
      if (!isMistake(e)) throw e;
    }
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
      this.enter('threads');
      for (const a of parts.always) a.afterStep();
    } else if (this.phase === 'threads') this.enter('finally');
    else {
      for (const s of parts.subsystems) s.atEnd?.();
      this.finish();
    }
  }

  private enter(phase: Phase): void {
    this.now.value = phase;
    this.entered();
  }

  /** Who takes part, who chooses and who looks on follows from the phase. After the end all stays as it was. */
  protected entered(): void {
    const { parts, phase } = this;
    if (phase === 'ended') return;
    this.active = parts[phase];
    this.scheduler = parts.replays || phase === 'threads' ? parts.scheduler : this.alone;
    this.after = phase === 'setup' ? this.lookers : [...this.lookers, ...parts.always];
  }

  private finish(): void {
    const { machine, scenario } = this.parts;
    const notes = machine.failure === null ? this.parts.reachable.map((r) => reached(r)) : [];
    const expect = scenario.members.find((m): m is ast.Expect => m.$type === 'Expect');
    this.result.value = judge(expect, machine.failure, machine.steps, notes);
    this.now.value = 'ended';
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
