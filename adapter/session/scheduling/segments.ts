/** A run of the threads, cut into the pieces that one line of a `schedule { }` block each can stand for. */
import { labelAt, type Simulation } from '../../language/run/index.js';
import { KEYWORDS } from '../../language/server/keywords.js';
import { type Lock, moverFor, Op, Sequential, siteOf, type Thread } from '../../machine/index.js';
import type { Again } from './again.js';

/** A piece: one thread goes on, and interrupts are taken while it waits for them. */
export interface Segment {
  readonly thread: string;
  /** First step, and the first that is not part of it. */
  readonly from: number;
  readonly to: number;
  /** Steps of the thread itself. */
  readonly own: number;
  /** Lines that may stand for it, the best first. Whether each does is still to be found out. */
  readonly stops: readonly Guess[];
  /** The thread can go no further, and nothing else gets it on: `to blocked` stands for it. */
  readonly blocked: boolean;
}

/** What a line may say that the thread goes to. */
export type Guess =
  | { readonly $type: 'ToEnd' }
  | { readonly $type: 'ToLabel'; readonly label: string }
  | { readonly $type: 'ToLock' | 'PastLock'; readonly lock: string }
  | { readonly $type: 'ToFunction' | 'PastFunction'; readonly function: string };

/** What there is to say of a run. */
export interface Cut {
  readonly segments: readonly Segment[];
  /** First step in which the set-up or `finally` went on by no schedule but a person's; a block does not speak of them. */
  readonly alone: number | null;
}

/** Cuts what a run does again into pieces. Yields now and then, with the number of steps looked at. */
export function* cut(again: Again): Generator<number, Cut> {
  const { sim } = again;
  const cutter = new Cutter(sim);
  const sequential = new Sequential();
  let alone: number | null = null;
  for (const thread of again.steps()) {
    const { steps } = sim.machine;
    if (sim.phase === 'threads') cutter.step(thread);
    else {
      cutter.close();
      const choice = sequential.choose(
        sim.machine,
        sim.phase === 'setup' ? sim.parts.setup : sim.parts.finally,
      );
      if (choice.kind !== 'move' || choice.thread !== thread) alone ??= steps;
    }
    if (sim.phase !== 'threads') sequential.moved(thread);
    yield steps;
  }
  cutter.close();
  return { segments: cutter.segments, alone };
}

/** What a thread stood before and was in, before it took a step. */
interface Before {
  readonly lock: string | null;
  readonly calls: readonly (readonly [fn: string, call: number])[];
}

class Cutter {
  readonly segments: Segment[] = [];
  private thread: Thread | null = null;
  private from = 0;
  private own = 0;
  /** Where the thread had taken its last step, and what it stood before then. */
  private last = 0;
  private before: Before = { lock: null, calls: [] };
  /** Steps of interrupts since then. */
  private tail: Thread[] = [];

  constructor(private readonly sim: Simulation) {}

  /** A thread is about to take a step. */
  step(t: Thread): void {
    if (this.thread !== null && (this.closedByItself() || this.mover() !== t)) this.close();
    if (this.thread === null) this.begin(t);
    if (t !== this.thread) this.tail.push(t);
    else {
      this.own++;
      this.tail = [];
      this.last = this.sim.machine.steps + 1;
      this.before = { lock: lockBefore(t), calls: callsOf(t) };
    }
  }

  private begin(t: Thread): void {
    this.thread = t;
    this.from = this.sim.machine.steps;
    this.own = 0;
  }

  /** Who would move next if a line went on with the thread. */
  private mover(): Thread | undefined {
    return moverFor(this.sim.machine, this.sim.parts.threads, this.thread as Thread);
  }

  private closedByItself(): boolean {
    return (this.thread as Thread).ended;
  }

  /** The piece is over: what comes next is no part of it. */
  close(): void {
    const { thread: t, from, own, last, tail } = this;
    if (t === null) return;
    const blocked = !t.ended && this.mover() === undefined;
    const to = blocked ? this.sim.machine.steps : last;
    this.segments.push({ thread: t.name, from, to, own, stops: guesses(t, this.before), blocked });
    this.thread = null;
    this.tail = [];
    // Interrupts that nobody waited for any more have lines of their own.
    if (!blocked) for (const [k, d] of tail.entries()) this.one(d, last + k);
  }

  private one(t: Thread, at: number): void {
    const piece = this.segments.at(-1);
    if (piece?.thread === t.name && piece.to === at && piece.stops.length === 0 && !piece.blocked)
      this.segments[this.segments.length - 1] = { ...piece, to: at + 1, own: piece.own + 1 };
    else this.segments.push({ thread: t.name, from: at, to: at + 1, own: 1, stops: [], blocked: false });
  }
}

/** What a line could say, once the thread stands where the piece ends. */
function guesses(t: Thread, before: Before): Guess[] {
  if (t.ended) return [{ $type: 'ToEnd' }];
  const found: Guess[] = [];
  const label = labelAt(t);
  if (label !== null) found.push({ $type: 'ToLabel', label });
  const lock = lockBefore(t);
  if (lock !== null) found.push({ $type: 'ToLock', lock });
  if (before.lock !== null && lock !== before.lock) found.push({ $type: 'PastLock', lock: before.lock });
  const calls = callsOf(t);
  const inner = calls.at(-1);
  if (inner !== undefined && isName(inner[0])) found.push({ $type: 'ToFunction', function: inner[0] });
  const left = before.calls.find(([, call]) => !calls.some((c) => c[1] === call));
  if (left !== undefined && isName(left[0])) found.push({ $type: 'PastFunction', function: left[0] });
  return found;
}

/** Whether a kernel function can be named in a schedule: some are called as words of the language are, such as `end`. */
const isName = (fn: string) => /^[A-Za-z_]\w*$/.test(fn) && !Object.hasOwn(KEYWORDS, fn);

const lockBefore = (t: Thread) => (t.op === Op.acquire ? (t.obj as Lock).name : null);

function callsOf(t: Thread): [string, number][] {
  return Array.from({ length: t.depth }, (_, d) => {
    const { site, call } = t.frameAt(d);
    return [siteOf(site).fn, call];
  });
}
