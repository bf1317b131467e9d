import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { Kept } from '../unseen.js';
import { Rng } from './rng.js';
import { type Choice, move, type Scheduler, STUCK } from './scheduler.js';

/** Chooses evenly among the threads that can run. The same seed gives the same choices. */
export class Random implements Scheduler {
  readonly name: string;
  private readonly rng: Rng;
  private readonly draw: Kept<number>;

  constructor(seed: number) {
    this.name = `random(seed: ${seed})`;
    this.rng = new Rng(seed);
    this.draw = new Kept(this.rng.next());
  }

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const ready = threads.filter((t) => machine.runnable(t));
    return ready.length === 0 ? STUCK : move(ready[Math.floor(this.draw.value * ready.length)] as Thread);
  }

  moved(): void {
    this.draw.value = this.rng.next();
  }
}
