import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { Kept } from '../unseen.js';
import { Rng } from './rng.js';
import { type Choice, move, type Scheduler, STUCK } from './scheduler.js';

/** Steps over which the points of priority change are spread, where nothing better is known. */
const LENGTH = 1000;

/**
 * Probabilistic concurrency testing (exploration 2.5): every thread has a random priority, the highest that can run moves, and
 * at `depth - 1` random steps the running thread drops below all others.
 */
export class Pct implements Scheduler {
  readonly name: string;
  private readonly rng: Rng;
  /** By the number of the thread; drawn when it is first seen. */
  private readonly priority: Kept<number | undefined>[] = [];
  private readonly changes: readonly number[];
  private readonly steps = new Kept(0);

  constructor(seed: number, depth: number) {
    this.name = `pct(seed: ${seed}, depth: ${depth})`;
    this.rng = new Rng(seed);
    this.changes = Array.from({ length: Math.max(0, depth - 1) }, () => 1 + this.rng.below(LENGTH)).sort(
      (a, b) => a - b,
    );
  }

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    this.look(machine, threads);
    let best: Thread | null = null;
    for (const t of threads) {
      const higher = best === null || this.of(t) > this.of(best);
      if (higher && machine.runnable(t)) best = t;
    }
    return best === null ? STUCK : move(best);
  }

  moved(thread: Thread): void {
    const steps = ++this.steps.value;
    if (this.changes.includes(steps)) this.kept(thread).value = -steps;
  }

  /** Draws the priorities of the threads in their order, whoever is asked for first. */
  look(_machine: Machine, threads: readonly Thread[]): void {
    for (const t of threads) this.of(t);
  }

  private of(t: Thread): number {
    const kept = this.kept(t);
    kept.value ??= 1 + this.rng.next();
    return kept.value as number;
  }

  private kept(t: Thread): Kept<number | undefined> {
    const known = this.priority[t.index];
    if (known !== undefined) return known;
    const made = new Kept<number | undefined>(undefined);
    this.priority[t.index] = made;
    return made;
  }
}
