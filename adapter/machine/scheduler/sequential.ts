import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { type Choice, firstRunnable, move, type Scheduler, STUCK } from './scheduler.js';

/** Switches only when a thread blocks or ends: the next in the order of the scenario goes on. The default. */
export class Sequential implements Scheduler {
  readonly name = 'sequential';
  private at: Thread | null = null;
  private choice: { kind: 'move'; thread: Thread } | null = null;

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    const at = this.at;
    if (at !== null && this.choice !== null && machine.runnable(at) && threads.includes(at))
      return this.choice;
    const next = firstRunnable(machine, threads, at === null ? 0 : Math.max(0, threads.indexOf(at)));
    return next === undefined ? STUCK : move(next);
  }

  moved(thread: Thread): void {
    if (thread === this.at || thread.daemon) return;
    this.at = thread;
    this.choice = { kind: 'move', thread };
  }
}
