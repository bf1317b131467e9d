/**
 * One run of a scenario, as command line, debugger and search drive it: it is moved (see `course.ts`), goes to any of its steps,
 * has values set, and is looked at.
 *
 * Nothing runs by itself: each call of `stepThread` takes one step, and between calls the state stands still.
 */
import type { SubsystemInstance } from '../../emulator/subsystem.js';
import {
  BeyondJournal,
  type EventField,
  goBack,
  goBackToCheckpoint,
  type Recording,
  type Site,
  siteOf,
  type Thread,
} from '../../machine/index.js';
import type { Diagnostic } from '../diagnostics.js';
import { Body } from '../interpreter/body.js';
import { ExpressionError, type Value } from '../interpreter/values.js';
import { Course } from './course.js';
import { type At, assignment, type Compiled, compile, type ScenarioScope, scopesOf } from './evaluate.js';
import type { Future } from './timeline.js';
import { waiting } from './waiting.js';

export class Simulation extends Course {
  /** Up to here the future is recorded: beyond `position` on a run that has gone back. */
  get known(): number {
    return this.timeline.known;
  }
  /** The first position to which the journal reaches. */
  get earliest(): number {
    return this.machine.journal?.firstStep ?? this.position;
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

  /**
   * Goes to a position, backwards by the journal or forwards along what is recorded, without output and without stops. What the
   * journal does not reach is reached from the checkpoint before it.
   * @param most steps to take forwards at the most, so that others get a turn; call again until `position` is reached
   */
  goTo(position: number, most = Number.POSITIVE_INFINITY): void {
    if (position < this.position) {
      this.back(position);
      this.entered();
      this.machine.attach();
    }
    this.quietly(() => {
      for (let n = 0; n < most && this.position < position; n++) {
        const t = this.ahead;
        if (t === null) return;
        this.take(t);
      }
    });
  }

  /** The thread that took the last step. */
  get lastMover(): Thread | null {
    return this.timeline.recorder.mover(this.position - 1) ?? null;
  }

  private back(position: number): void {
    try {
      goBack(this.machine, position);
    } catch (e) {
      if (!(e instanceof BeyondJournal)) throw e;
      goBackToCheckpoint(this.machine, position);
    }
  }

  /** Who takes the next step of the future that is known; null at its end. */
  get ahead(): Thread | null {
    return this.outcome === null ? (this.timeline.recorder.mover(this.position) ?? null) : null;
  }

  /** Takes the next step of the future that is known, with its events, but without what it prints. */
  repeat(): void {
    const t = this.ahead;
    if (t === null) return;
    this.muted = true;
    try {
      this.take(t);
    } finally {
      this.muted = false;
    }
  }

  /** Whether nobody is to hear of what happens: it has happened before. */
  muted = false;

  private quietly(act: () => void): void {
    this.muted = true;
    try {
      this.machine.quietly(act);
    } finally {
      this.muted = false;
    }
  }

  /**
   * Sets a value by an assignment of the scenario language (`vm.arch.n_used_mmu_pages = 3`), as part of the run: it is done again
   * when the same steps are. The future that was known is left. Throws `ExpressionError` and changes nothing when it makes no sense.
   */
  assign(text: string, at: At = {}): void {
    this.machine.attach();
    this.edit(text, assignment(this.parts.program, text, at));
  }

  /** Does something that sets values, as `assign` does; `text` says what. It must have the same effect when it is done again. */
  edit(text: string, apply: () => void): void {
    const { journal } = this.machine;
    if (journal === null) throw new ExpressionError('nothing can be set in a run without a journal');
    if (this.outcome !== null)
      throw new ExpressionError('the run is over: go back to an earlier step to set something');
    this.machine.attach();
    const { mark } = journal;
    try {
      journal.byHand(apply);
    } catch (e) {
      journal.undoSince(mark);
      throw e;
    }
    this.timeline.edited({ step: this.position, text, apply });
    this.look();
  }

  /** Goes back to a future that was left: to where the two part, with the other one ahead. */
  resumeFuture(future: Future): void {
    const same = this.timeline.common(future);
    this.goTo(Math.max(0, Math.min(same, this.position)));
    if (same < 0) this.machine.journal?.undoAll();
    this.timeline.takeUp(future, same);
    if (same < 0) this.again(this.timeline.editsAt(0));
    this.goTo(future.from);
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

/** `FILE:LINE:COLUMN` of a site; empty for none. */
export function siteText(site: number): string {
  const s = site < 0 ? undefined : siteOf(site);
  return s === undefined ? '' : `${s.file}:${s.line}:${s.column}`;
}
