import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { Kept } from '../unseen.js';
import { type Choice, move, type Scheduler, STUCK } from './scheduler.js';

/** Switches after every step, in the order of the threads. */
export class RoundRobin implements Scheduler {
  readonly name = 'round_robin';
  private readonly last = new Kept<Thread | null>(null);

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const last = this.last.value;
    const from = last === null ? 0 : threads.indexOf(last) + 1;
    for (let k = 0; k < threads.length; k++) {
      const t = threads[(from + k) % threads.length] as Thread;
      if (machine.runnable(t)) return move(t);
    }
    return STUCK;
  }

  moved(thread: Thread): void {
    this.last.value = thread;
  }
}
