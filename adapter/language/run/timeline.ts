/**
 * The futures of a run. What was done is recorded by step, so that a run that went back can do it again; whoever does something
 * else there begins a new future, and the one that is left can be gone back to.
 */
import type { Recorder, Thread } from '../../machine/index.js';

/** A value that a person has set: repeated whenever the same steps are taken again. */
export interface Edit {
  /** Steps that had been taken then. */
  readonly step: number;
  /** The assignment, as it was written. */
  readonly text: string;
  /** Does it again, in the state in which it was done. */
  readonly apply: () => void;
}

type Runs = ReturnType<Recorder['runs']>;

/** A future that was left. */
export interface Future {
  readonly id: number;
  /** The step from which on it is different from the one that took its place. */
  readonly from: number;
  /** How far it went. */
  readonly to: number;
  /** What made it different: who moved next in it, or what was set. */
  readonly label: string;
  /** Everything that was done in it, from the first step on. */
  readonly runs: Runs;
  readonly edits: readonly Edit[];
}

export class Timeline {
  private edits: Edit[] = [];
  private left: Future[] = [];
  private numbers = 0;
  /** Hears of each future that is left. */
  onFork: ((left: Future) => void) | null = null;

  constructor(readonly recorder: Recorder) {}

  /** Steps that are known: done, or done in the future that is still ahead. */
  get known(): number {
    return this.recorder.length;
  }
  /** The futures that were left, the latest last. */
  get futures(): readonly Future[] {
    return this.left;
  }
  /** The values that were set, in order. */
  get allEdits(): readonly Edit[] {
    return this.edits;
  }

  /** Whether any value was set. */
  get hasEdits(): boolean {
    return this.edits.length > 0;
  }

  /** A thread takes the step after `step` others. Where another did so before, that future is left. */
  moves(thread: Thread, step: number): void {
    const { recorder } = this;
    if (step < recorder.length) {
      if (recorder.mover(step) === thread) return;
      this.leave(step, undefined);
    }
    recorder.moved(thread);
  }

  /** A value was set after `step` steps: the future, or the present as it was, is left. */
  edited(edit: Edit): void {
    this.leave(edit.step, `without ${edit.text}`);
    this.edits.push(edit);
  }

  /** The values to set once `step` steps have been taken. */
  editsAt(step: number): readonly Edit[] {
    if (this.edits.length === 0) return NONE;
    return this.edits.filter((e) => e.step === step);
  }

  /** Steps that the future ahead and one that was left have in common: -1 where even what was set before the first differs. */
  common(future: Future): number {
    let same = Math.min(this.recorder.length, future.to);
    let at = 0;
    for (const [thread, steps] of future.runs)
      for (let k = 0; k < steps && at < same; k++, at++) if (this.recorder.mover(at) !== thread) same = at;
    // What was set after so many steps is there as soon as they are taken.
    const differ = (a: readonly Edit[], b: readonly Edit[]) =>
      a.filter((e) => !b.includes(e)).map((e) => e.step - 1);
    return Math.min(same, ...differ(this.edits, future.edits), ...differ(future.edits, this.edits));
  }

  /** Makes a future that was left the one ahead. The run stands where both are the same, see `common`. */
  takeUp(future: Future, position: number): void {
    this.putAside(position, undefined);
    this.left = this.left.filter((f) => f !== future);
    this.recorder.replace(future.runs);
    this.edits = [...future.edits];
  }

  private leave(step: number, label: string | undefined): void {
    const future = this.putAside(step, label);
    this.onFork?.(future);
  }

  /** Puts the future ahead aside. */
  private putAside(step: number, label: string | undefined): Future {
    const { recorder } = this;
    const mover = recorder.mover(step);
    const future: Future = {
      id: ++this.numbers,
      from: Math.max(0, step),
      to: recorder.length,
      label: label ?? (mover === undefined ? 'as it was' : `${mover.name} moves`),
      runs: recorder.runs(),
      edits: this.edits,
    };
    this.left.push(future);
    recorder.truncate(step);
    this.edits = this.edits.filter((e) => e.step <= step);
    return future;
  }
}

const NONE: readonly Edit[] = [];
