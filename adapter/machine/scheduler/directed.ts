import type { Machine } from '../machine.js';
import type { Thread } from '../thread.js';
import { Kept } from '../unseen.js';
import { type Choice, move, type Scheduler } from './scheduler.js';
import { Sequential } from './sequential.js';

/** What a directive answers when it is met. */
export const REACHED = Number.NaN;

/** One line of a `schedule { }` block. */
export interface Directive {
  /** As it is written: `guest to fast_pf_fix_direct_spte`. */
  readonly text: string;
  /** Site of the line. */
  readonly site: number;
  /** Name of the thread that moves. */
  readonly thread: string;
  /** The directive begins: what it has to remember of that. */
  begin(thread: Thread): number;
  /** Asked then, and after each step: `REACHED` when the thread is where it should be, else what to remember from now on. */
  look(thread: Thread, memory: number): number;
  /** Whether the directive is met when the thread can go no further: `to blocked`. */
  readonly untilBlocked?: boolean;
}

/**
 * Follows a `schedule { }` block: one thread at a time, each as far as its line says. Interrupts that the moving thread waits
 * for are taken. After the last line the rest runs sequentially.
 */
export class Directed implements Scheduler {
  readonly name = 'schedule { }';
  private readonly at = new Kept(0);
  /** What the present directive remembers; null before it has begun. */
  private readonly memory = new Kept<number | null>(null);
  private readonly rest = new Sequential();

  constructor(private readonly directives: readonly Directive[]) {}

  choose(machine: Machine, threads: readonly Thread[]): Choice {
    this.look(machine, threads);
    const d = this.directives[this.at.value];
    if (d === undefined) return this.rest.choose(machine, threads);
    const thread = threads.find((t) => t.name === d.thread);
    if (thread === undefined) return diverged(d, `there is no thread '${d.thread}'`);
    const mover = moverFor(machine, threads, thread);
    if (mover !== undefined) return move(mover);
    return diverged(
      d,
      thread.ended ? `${d.thread} has ended` : `${d.thread} ${thread.describe()}, and cannot go on`,
    );
  }

  moved(thread: Thread): void {
    this.rest.moved(thread);
  }

  /** Goes past the directives that are met. */
  look(machine: Machine, threads: readonly Thread[]): void {
    for (;;) {
      const d = this.directives[this.at.value];
      const thread = d === undefined ? undefined : threads.find((t) => t.name === d.thread);
      if (d === undefined || thread === undefined) return;
      const memory = d.look(thread, this.memory.value ?? d.begin(thread));
      const blocked = d.untilBlocked === true && moverFor(machine, threads, thread) === undefined;
      if (Number.isNaN(memory) || blocked) {
        this.at.value++;
        this.memory.value = null;
      } else {
        this.memory.value = memory;
        return;
      }
    }
  }
}

/** Who moves so that a thread gets on: itself, or an interrupt while it cannot; nobody where neither can. */
export function moverFor(machine: Machine, threads: readonly Thread[], thread: Thread): Thread | undefined {
  if (machine.runnable(thread)) return thread;
  return threads.find((t) => t.daemon && machine.runnable(t));
}

const diverged = (d: Directive, why: string): Choice => ({
  kind: 'diverged',
  message: `the schedule says '${d.text}', but ${why}`,
  site: d.site,
});
