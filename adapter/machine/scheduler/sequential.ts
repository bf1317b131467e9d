import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { Kept } from '../unseen.js';
import { type Choice, firstRunnable, move, type Scheduler, STUCK } from './scheduler.js';

/** Switches only when a thread blocks or ends: the next in the order of the scenario goes on. The default. */
export class Sequential implements Scheduler {
  readonly name = 'sequential';
  private readonly at = new Kept<Thread | null>(null);
  /** The choice of the thread that went on last: made once, because it is made most often. */
  private again: { kind: 'move'; thread: Thread } | null = null;

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const at = this.at.value;
    if (at !== null && machine.runnable(at) && threads.includes(at)) {
      if (this.again?.thread !== at) this.again = { kind: 'move', thread: at };
      return this.again;
    }
    const next = firstRunnable(machine, threads, at === null ? 0 : Math.max(0, threads.indexOf(at)));
    return next === undefined ? STUCK : move(next);
  }

  moved(thread: Thread): void {
    if (!thread.daemon) this.at.value = thread;
  }
}
