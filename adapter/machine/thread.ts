/**
 * Threads: what they stand before, and the stack of model functions that they are in.
 *
 * A model function awaits another with `yield*`; the build turns that into a plain `yield` of the callee's generator, which the
 * runner here pushes on the thread's stack. So a resume costs the same at any depth, and the stack is at hand to be shown.
 */
import { Fault } from './failure.js';
import type { Lock } from './lock.js';
import type { KObject } from './object.js';
import { Op, opNames, type Step } from './op.js';
import { type Locals, NOWHERE, siteOf, yieldedLocals, yieldedSite } from './site.js';

/** A function on a thread's stack, with the place where it stands. */
export interface StackFrame {
  readonly site: number;
  /** Names and values of the locals there. */
  locals(): [name: string, value: unknown][];
}

/** Runs what is not model code: the statements of a scenario, or the start of a kernel thread. */
export interface Driver {
  /** Runs the statement that the thread stands before; may call `thread.call`; sets `thread.op` for what comes next. */
  run(thread: Thread): void;
  /** The operation that was called has returned; sets `thread.op` for what comes next. */
  returned(thread: Thread, value: unknown): void;
  /** The frames below the model's functions, innermost first. */
  frames(thread: Thread): readonly StackFrame[];
  /** Site of the innermost of those frames. */
  site(thread: Thread): number;
  /** Number of those frames. */
  level(thread: Thread): number;
  /** Model functions on the stack between two operations: 0, or 1 for a kernel thread that waits in a function of its own. */
  readonly base: number;
  /**
   * Memory is as it was at an earlier step of the thread. `within`: the thread is inside an operation then, and its stack will
   * be rebuilt; else it has to stand before what comes next, with `base` functions on its stack.
   */
  restored(thread: Thread, within: boolean): void;
}

/** Model functions that a stack can hold. */
const DEEPEST = 200;

export class Thread {
  /** What the thread does when it is next scheduled, and with which operands (see `op.ts`). */
  op: Op = Op.statement;
  obj: KObject | null = null;
  slot = 0;
  a: unknown = 0;
  b: unknown = 0;

  /** Model functions, outermost first, with the site and locals where each stands. */
  private readonly stack: Step<unknown>[] = [];
  private readonly sites: number[] = [];
  private readonly locals: (Locals | null)[] = [];
  /** Numbers of the calls, by which a frame is told from a later one at the same depth: step of the thread, and depth. */
  private readonly calls: number[] = [];
  private called = 0;
  /** Steps taken by this thread. */
  steps = 0;
  /** Objects allocated by this thread. */
  allocations = 0;

  /**
   * @param cpu    the simulated CPU that it runs on
   * @param daemon whether the run ends without it: interrupt handlers and other threads of the kernel's own
   */
  constructor(
    readonly index: number,
    readonly name: string,
    readonly driver: Driver,
    readonly cpu: number,
    readonly daemon: boolean,
  ) {}

  get ended(): boolean {
    return this.op === Op.ended;
  }
  /** Model functions on the stack. */
  get depth(): number {
    return this.stack.length;
  }
  /** Where the innermost frame stands; of a scenario statement when no model function is on the stack. */
  get site(): number {
    const top = this.sites.at(-1) ?? NOWHERE;
    if (top !== NOWHERE) return top;
    return this.sites.findLast((site) => site !== NOWHERE) ?? this.driver.site(this);
  }
  /** Site of the model function at a depth (0 is the outermost), and the number of that call. */
  frameAt(depth: number): { site: number; call: number } {
    return { site: this.sites[depth] as number, call: this.calls[depth] as number };
  }
  /** Whether the model function at a depth was called by the thread's last step. */
  enteredAt(depth: number): boolean {
    return (this.calls[depth] as number) > this.steps * DEEPEST;
  }
  /** Number of model functions that the thread's last step called and that it is still in. */
  get entered(): number {
    let n = 0;
    for (let d = this.calls.length - 1; d >= 0 && this.enteredAt(d); d--) n++;
    return n;
  }
  /** Number of the call that the innermost model function is; grows with every call. */
  get lastCall(): number {
    return this.called;
  }

  /** The whole stack, innermost first. A function that has not come to its first access yet is left out: nobody knows where it stands. */
  frames(): StackFrame[] {
    const model = this.sites.map((site, k) => ({
      site,
      locals: () => readLocals(this.locals[k] ?? null, site),
    }));
    return [...model.filter((f) => f.site !== NOWHERE).reverse(), ...this.driver.frames(this)];
  }

  /** Says in words what the thread stands before: `locks mmu_lock, held by migration`. */
  describe(): string {
    if (this.op === Op.until) return `waits for ${this.b}`;
    if (this.op === Op.ended || this.op === Op.statement) return opNames[this.op] as string;
    if (this.op === Op.barrier) return `${this.a}`;
    if (this.op === Op.acquire || this.op === Op.release)
      return `${opNames[this.op]} ${(this.obj as Lock).name}${this.slot === 0 ? '' : ' for reading'}`;
    const what = this.obj === null ? '' : ` ${this.obj.$name} ${this.obj.$slotName(this.slot)}`;
    return `${opNames[this.op]}${what}`;
  }

  /** Starts an operation: runs it up to its first step. If it takes none, its result goes to the driver at once. */
  call(operation: Step<unknown>): void {
    this.push(operation);
    this.resume(undefined);
  }

  /** Forgets the stack: the thread goes back to an earlier step, and stands between two operations for now. */
  unwind(): void {
    for (const list of [this.stack, this.sites, this.locals, this.calls]) list.length = 0;
    this.called = this.steps * DEEPEST;
    this.op = Op.statement;
    this.obj = null;
  }
  /** Whether the thread is inside an operation. */
  get within(): boolean {
    return this.stack.length > this.driver.base;
  }

  /** Gives the innermost model function the result of its access, and runs on to the next announced one. */
  resume(result: unknown): void {
    let value = result;
    for (;;) {
      const top = this.stack.length - 1;
      const r = (this.stack[top] as Step<unknown>).next(value);
      if (r.done === true) {
        this.pop();
        if (top === 0) {
          this.op = Op.statement;
          this.driver.returned(this, r.value);
          return;
        }
        value = r.value;
        continue;
      }
      this.sites[top] = yieldedSite;
      this.locals[top] = yieldedLocals;
      if (typeof r.value === 'number') return;
      this.push(r.value as Step<unknown>);
      value = undefined;
    }
  }

  private push(generator: Step<unknown>): void {
    this.stack.push(generator);
    this.sites.push(NOWHERE);
    this.locals.push(null);
    this.called = this.steps * DEEPEST + this.stack.length;
    this.calls.push(this.called);
    if (this.stack.length > DEEPEST)
      throw new Fault('panic', 'stack overflow', `kernel stack overflow: more than ${DEEPEST} calls deep`);
  }

  private pop(): void {
    this.stack.pop();
    this.sites.pop();
    this.locals.pop();
    this.calls.pop();
  }
}

function readLocals(locals: Locals | null, site: number): [string, unknown][] {
  if (locals === null) return [];
  const values = locals();
  return siteOf(site).names.map((name, k) => [name, values[k]]);
}
