import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { type Choice, move, type Scheduler } from './scheduler.js';
import { Sequential } from './sequential.js';

/** One line of a `schedule { }` block. */
export interface Directive {
  /** As it is written: `guest to fast_pf_fix_direct_spte`. */
  readonly text: string;
  /** Site of the line. */
  readonly site: number;
  /** Name of the thread that moves. */
  readonly thread: string;
  /** Begins the directive; the result says after each step, and before the first, whether the thread is where it should be. */
  begin(thread: Thread): () => boolean;
  /** Whether the directive is met when the thread can go no further: `to blocked`. */
  readonly untilBlocked?: boolean;
}

/**
 * Follows a `schedule { }` block: one thread at a time, each as far as its line says. Interrupts that the moving thread waits
 * for are taken. After the last line the rest runs sequentially.
 */
export class Directed implements Scheduler {
  readonly name = 'schedule { }';
  private at = 0;
  private reached: (() => boolean) | null = null;
  private readonly rest = new Sequential();

  constructor(private readonly directives: readonly Directive[]) {}

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    for (;;) {
      const d = this.directives[this.at];
      if (d === undefined) return this.rest.choose(machine, threads);
      const thread = threads.find((t) => t.name === d.thread);
      if (thread === undefined) return diverged(d, `there is no thread '${d.thread}'`);
      this.reached ??= d.begin(thread);
      if (this.reached()) {
        this.next();
        continue;
      }
      if (machine.runnable(thread)) return move(thread);
      const interrupt = threads.find((t) => t.daemon && machine.runnable(t));
      if (interrupt !== undefined) return move(interrupt);
      if (d.untilBlocked) {
        this.next();
        continue;
      }
      return diverged(
        d,
        thread.ended ? `${d.thread} has ended` : `${d.thread} ${thread.describe()}, and cannot go on`,
      );
    }
  }

  moved(thread: Thread): void {
    this.rest.moved(thread);
  }

  private next(): void {
    this.at++;
    this.reached = null;
  }
}

const diverged = (d: Directive, why: string): Choice => ({
  kind: 'diverged',
  message: `the schedule says '${d.text}', but ${why}`,
  site: d.site,
});
