/**
 * The machine: threads that take steps, kernel memory, locks and events. It knows nothing of scenarios or of any subsystem,
 * and decides nothing: who moves next is the scheduler's choice, what the steps do is the models'.
 *
 * Everything happens inside `step`, synchronously. Nothing else runs threads, and nothing runs between steps.
 */
import { called, MEMORY_ALLOCATED, MEMORY_FREED } from './allocation.js';
import { enter } from './current.js';
import type { EventType, KEvent } from './event.js';
import { FAILURES, type Failure, type FailureKind, Fault } from './failure.js';
import type { Watcher } from './footprint.js';
import { Journal } from './journal.js';
import { LOCK_ACQUIRED, LOCK_CONTENDED, LOCK_RELEASED, type Lock } from './lock.js';
import { LOCK_ORDER, LockOrder } from './lock_order.js';
import { type Frame, PhysicalMemory } from './memory.js';
import { ALLOCATED, FREED, type KObject, type Trace } from './object.js';
import { Op } from './op.js';
import { useAfterFree } from './report.js';
import { stackOf } from './stack.js';
import { type Driver, Thread } from './thread.js';
import { Kept } from './unseen.js';

/** What a step that is run again has allocated before: it gets the same objects and frames, in the same order. */
export interface Rebuilding {
  object(): KObject;
  frame(): Frame;
}

/** What a machine is made with. */
export interface MachineOptions {
  /** Writes that the journal surely keeps; 0 for no journal (nobody will go back). */
  readonly journal?: number;
  /** Steps between two checkpoints of the time before that. */
  readonly checkpoints?: number;
}

export class Machine {
  readonly threads: Thread[] = [];
  readonly locks: Lock[] = [];
  readonly phys = new PhysicalMemory();
  private readonly order = new LockOrder();
  readonly journal: Journal | null;
  /** Hears of every access while set. */
  watcher: Watcher | null = null;
  /** Steps taken. */
  steps = 0;
  private readonly failed = new Kept<Failure | null>(null);
  /** Where allocations come from while operations are run again to rebuild the stacks of threads; see `history.ts`. */
  rebuilding: Rebuilding | null = null;
  /** Hears of events of the kinds that are wanted. */
  listener: ((e: KEvent) => void) | null = null;
  private wanted: boolean[] = [];
  private running: Thread | null = null;
  /** Threads that are inside an operation. */
  private inside = 0;
  private bootAllocations = 0;

  constructor(options: MachineOptions = {}) {
    const window = options.journal ?? 0;
    this.journal = window > 0 ? new Journal(window, options.checkpoints) : null;
    enter(this, undefined as unknown as Thread);
  }

  /** Adds a thread. It starts before its first statement. */
  spawn(name: string, driver: Driver, where: { cpu: number; daemon?: boolean }): Thread {
    const t = new Thread(this.threads.length, name, driver, where.cpu, where.daemon ?? false);
    this.threads.push(t);
    return t;
  }

  /** Whether the thread can take its next step. */
  runnable(t: Thread): boolean {
    switch (t.op) {
      case Op.ended:
        return false;
      case Op.acquire:
        return (t.obj as Lock).blocker(t) === null;
      case Op.until:
        this.attach(t);
        return (t.a as () => boolean)();
      default:
        return true;
    }
  }

  /** Makes this machine the running one, for looking at its state from outside a step. */
  attach(t: Thread = this.running ?? (this.threads[0] as Thread)): void {
    enter(this, t);
  }

  /** Takes one step of a thread that can run. A fault of the model ends the run: see `failure`. */
  step(t: Thread): void {
    enter(this, t);
    this.running = t;
    const { depth, within } = t;
    if (this.journal !== null) {
      this.journal.begin(t.index, t.site, depth, within ? 0 : t.driver.level(t), t.entered, this.inside > 0);
    }
    this.steps++;
    this.watcher?.began?.();
    try {
      this.advance(t);
      if (t.op === Op.acquire && (t.obj as Lock).blocker(t) !== null) this.stands(t, t.obj as Lock);
    } catch (e) {
      if (!(e instanceof Fault)) throw e;
      this.fail(e.kind, e.rule, e.message, e.report);
    }
    if (t.within !== within) this.inside += within ? -1 : 1;
    this.watcher?.ended?.();
  }

  /** Runs a thread on to the next thing that it announces. */
  private advance(t: Thread): void {
    t.steps++;
    if (t.depth === 0) t.driver.run(t);
    else t.resume(this.perform(t));
  }

  /**
   * Runs a step of an operation again, for nothing but the thread's own stack: what it writes is undone, nobody hears of it, and
   * what it allocates is what it allocated the first time.
   */
  runAgain(t: Thread, allocated: Rebuilding, journal: Journal): void {
    const { mark } = journal;
    enter(this, t);
    this.running = t;
    this.rebuilding = allocated;
    try {
      this.steps++;
      this.quietly(() => this.advance(t));
    } finally {
      this.rebuilding = null;
      this.running = null;
      journal.undoSince(mark);
    }
  }

  /** Does something of which nobody hears: no events, no watches. */
  quietly<T>(act: () => T): T {
    const { wanted, watcher } = this;
    this.wanted = [];
    this.watcher = null;
    if (this.running !== null) enter(this, this.running);
    try {
      return act();
    } finally {
      this.wanted = wanted;
      this.watcher = watcher;
    }
  }

  /** The state is that of an earlier step, of which `steps` had been taken; nobody runs. */
  rewound(steps: number): void {
    this.steps = steps;
    this.running = null;
    this.inside = this.threads.filter((t) => t.within).length;
  }

  /** Why the run is over; the first failure counts. */
  get failure(): Failure | null {
    return this.failed.value;
  }

  /** Does what the thread has announced, and returns its result. */
  private perform(t: Thread): unknown {
    const obj = t.obj as KObject;
    switch (t.op) {
      case Op.read:
        return obj.$load(t.slot);
      case Op.write:
        obj.$store(t.slot, t.a);
        return undefined;
      case Op.xchg: {
        const old = obj.$load(t.slot);
        obj.$store(t.slot, t.a);
        return old;
      }
      case Op.cmpxchg: {
        const old = obj.$load(t.slot);
        if (old === t.a) obj.$store(t.slot, t.b);
        return old;
      }
      case Op.or: {
        const old = obj.$load(t.slot) as bigint;
        obj.$store(t.slot, old | (t.a as bigint));
        return old;
      }
      case Op.and: {
        const old = obj.$load(t.slot) as bigint;
        obj.$store(t.slot, BigInt.asUintN(64, old & (t.a as bigint)));
        return old;
      }
      case Op.add:
      case Op.count: {
        const sum = (obj.$load(t.slot) as number) + (t.a as number);
        obj.$store(t.slot, sum);
        return sum;
      }
      case Op.acquire:
        return this.acquire(t, obj as Lock);
      case Op.release:
        return this.release(t, obj as Lock);
      default:
        return undefined;
    }
  }

  private acquire(t: Thread, l: Lock): void {
    if (this.journal !== null) this.ordered(t, l);
    l.take(t);
    if (this.wanted[LOCK_ACQUIRED.index]) this.emit(LOCK_ACQUIRED, [l.name, t.name, t.name]);
    if (this.wanted[LOCK_CONTENDED.index])
      for (const w of this.threads)
        if (w !== t && w.op === Op.acquire && w.obj === l && l.blocker(w) !== null) this.contended(w, l);
  }

  /** Learns the order of locks. It is learned whoever listens, so that going back and forth leaves nothing out. */
  private ordered(t: Thread, l: Lock): void {
    const held = this.locks.filter((h) => h.$get() === t);
    if (held.length === 0) return;
    for (const values of this.order.taken(l, held, t, this.steps)) this.emit(LOCK_ORDER, values);
  }

  private release(t: Thread, l: Lock): void {
    l.give(t);
    if (this.wanted[LOCK_RELEASED.index]) this.emit(LOCK_RELEASED, [l.name, t.name, '']);
  }

  /** A thread has come to stand before a lock that it cannot take. */
  private stands(t: Thread, l: Lock): void {
    l.met(t);
    this.contended(t, l);
  }

  private contended(t: Thread, l: Lock): void {
    const owner = l.blocker(t) as Thread;
    if (owner === t)
      throw new Fault('panic', 'recursive locking', `${t.name} takes ${l.name}, which it already holds`);
    if (this.wanted[LOCK_CONTENDED.index]) this.emit(LOCK_CONTENDED, [l.name, t.name, owner.name], t);
  }

  /** Whether anybody listens to a kind of event. Ask before collecting its values. */
  wants(type: EventType): boolean {
    return this.wanted[type.index] === true;
  }

  /** Says which kinds of events are listened to. */
  listen(types: Iterable<EventType>, listener: (e: KEvent) => void): void {
    this.wanted.length = 0;
    for (const t of types) this.wanted[t.index] = true;
    this.listener = listener;
  }

  /** Reports an event of a wanted kind. */
  emit(type: EventType, values: readonly unknown[], thread: Thread = this.running as Thread): void {
    if (this.wanted[type.index]) this.listener?.({ type, values, thread, step: this.steps });
  }

  /** Ends the run with a failure, unless it is over already. `site` is the line at fault where it is not the thread's own. */
  fail(
    kind: FailureKind,
    rule: string,
    message: string,
    report?: string,
    thread: Thread | null = this.running,
    site?: number,
  ): void {
    if (this.failure !== null) return;
    this.attach();
    this.failed.value = {
      kind,
      rule,
      message,
      thread,
      step: this.steps,
      ...(report === undefined ? {} : { report }),
      ...(site === undefined ? {} : { site }),
    };
    this.emit(FAILURES[kind], [rule, message], thread ?? (this.threads[0] as Thread));
  }

  /** Threads whose end the run waits for and that have not ended. */
  get unfinished(): Thread[] {
    return this.threads.filter((t) => !t.daemon && t.op !== Op.ended);
  }

  /** Who allocates now: 0 while the machine is being set up, and from 1 on for its threads. */
  get allocating(): number {
    return this.running === null ? 0 : this.running.index + 1;
  }

  /** Takes an object into kernel memory: it gets its id, and is known to be allocated here. */
  alloc<T extends KObject>(obj: T): T {
    if (this.rebuilding !== null) return this.rebuilding.object() as T;
    const t = this.running;
    const n = t === null ? ++this.bootAllocations : ++t.allocations;
    obj.$id = this.allocating * 2 ** 24 + n;
    obj.$allocated = this.trace();
    this.journal?.push(obj, ALLOCATED, null);
    if (this.wanted[MEMORY_ALLOCATED.index]) this.emit(MEMORY_ALLOCATED, [...called(obj), obj]);
    return obj;
  }

  /** Gives an object back: any later touch is a use after free. */
  free(obj: KObject): void {
    if (obj.$freed !== null) throw useAfterFree(this, obj, 'double free of', '', obj.$freed);
    this.journal?.push(obj, FREED, null);
    if (this.wanted[MEMORY_FREED.index]) this.emit(MEMORY_FREED, called(obj));
    obj.$freed = this.trace();
  }

  /** Who is running, and where. */
  trace(): Trace {
    const t = this.running;
    return {
      thread: t?.name ?? 'boot',
      step: this.steps,
      stack: t === null ? null : stackOf(t.frames().map((f) => f.site)),
    };
  }

  /** Called for every access to a freed object, and for every access at all while there is a watcher. */
  touched(obj: KObject, slot: number, write: boolean): void {
    if (obj.$freed !== null)
      throw useAfterFree(this, obj, write ? 'write of' : 'read of', obj.$slotName(slot), obj.$freed);
    this.watcher?.touched(obj, slot, write);
  }

  /** Reports an access to a word of a freed frame. */
  usedFreedFrame(frame: Frame, pa: number, write: boolean): never {
    const what = frame.owner ?? this.phys;
    throw useAfterFree(
      this,
      what,
      write ? 'write of' : 'read of',
      `frame ${frame.pfn} word ${pa % 512}`,
      frame.freed as Trace,
    );
  }
}
