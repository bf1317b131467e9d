import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
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
  private readonly priority = new Map<Thread, number>();
  private readonly changes: number[];
  private steps = 0;

  constructor(seed: number, depth: number) {
    this.name = `pct(seed: ${seed}, depth: ${depth})`;
    this.rng = new Rng(seed);
    this.changes = Array.from({ length: Math.max(0, depth - 1) }, () => 1 + this.rng.below(LENGTH)).sort(
      (a, b) => a - b,
    );
  }

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    let best: Thread | null = null;
    for (const t of threads) {
      if (!this.priority.has(t)) this.priority.set(t, 1 + this.rng.next());
      const higher = best === null || (this.priority.get(t) as number) > (this.priority.get(best) as number);
      if (higher && machine.runnable(t)) best = t;
    }
    return best === null ? STUCK : move(best);
  }

  moved(thread: Thread): void {
    this.steps++;
    while (this.changes[0] === this.steps) {
      this.changes.shift();
      this.priority.set(thread, -this.steps);
    }
  }
}
