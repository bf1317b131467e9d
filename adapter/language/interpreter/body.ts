/** Runs the body of a thread, statement by statement: what stands behind a scenario's threads. */
import { UsageError } from '../../emulator/subsystem.js';
import {
  current,
  type Driver,
  Fault,
  KObject,
  Op,
  type StackFrame,
  type Thread,
  unnoted,
} from '../../machine/index.js';
import { Activation, type Choice, Control, Env, type Eval, type Instruction, type Unit } from './code.js';
import { ExpressionError, fromKernel, kindOf, truth, type Value } from './values.js';

/** Deepest nesting of `fn` calls. */
const DEEPEST = 100;

export class Body implements Driver {
  readonly control = new Control();
  readonly env = new Env();
  /** The outermost activation: its variables are `THREAD.name`. */
  readonly frame: Activation;
  /** Whether the last statement was `breakpoint`. */
  paused = false;
  /** What the outermost body returned. */
  result: Value = null;

  constructor(
    readonly unit: Unit,
    init: readonly (readonly [slot: number, value: Value])[] = [],
  ) {
    this.frame = new Activation(unit, null, -1);
    for (const [slot, value] of init) this.frame.v[slot] = value;
    this.control.frame = this.frame;
    this.env.frame = this.frame;
  }

  /** Runs the statement that the thread stands before. */
  run(thread: Thread): void {
    this.paused = false;
    this.guarded(thread, true);
  }

  /** An operation has returned: its result is kept, and the statement goes on. */
  returned(thread: Thread, value: unknown): void {
    const frame = this.control.frame as Activation;
    const i = frame.unit.code[frame.pc] as Instruction & { kind: 'operation' };
    frame.put(i.into, fromKernel(value));
    frame.pc++;
    this.guarded(thread, false);
  }

  private guarded(thread: Thread, first: boolean): void {
    try {
      this.go(thread, first);
    } catch (e) {
      if (e instanceof ExpressionError) throw new Fault('usage', e.message, e.message);
      if (e instanceof UsageError) throw new Fault('usage', e.message, e.message);
      throw e;
    }
  }

  /** Executes instructions up to the next that begins a statement; the one it starts from does not count. */
  private go(thread: Thread, started: boolean): void {
    let first = started;
    for (;;) {
      const frame = this.control.frame;
      if (frame === null) {
        thread.op = Op.ended;
        return;
      }
      const { code } = frame.unit;
      let pc = frame.pc;
      for (let next = pc; next >= 0; ) {
        pc = next;
        const i = code[pc] as Instruction;
        const waits = first && i.kind === 'wait' && !truth(i.condition(this.env));
        if (waits || (i.stands && !first)) {
          frame.pc = pc;
          return this.standBefore(thread, i);
        }
        first = false;
        if (i.kind === 'operation') {
          frame.pc = pc;
          return this.operation(thread, i);
        }
        if (i.kind === 'call' || i.kind === 'return') frame.pc = pc;
        next = this.execute(frame, pc, i);
      }
    }
  }

  /**
   * Executes one instruction that calls no operation. Returns the position of the next one, or -1 when another frame goes on.
   * The position of the frame itself is kept by the caller.
   */
  execute(frame: Activation, pc: number, i: Instruction): number {
    switch (i.kind) {
      case 'do':
        i.act(this.env);
        return pc + 1;
      case 'jump':
        return i.to;
      case 'branch':
        return truth(i.condition(this.env)) ? pc + 1 : i.otherwise;
      case 'call':
        this.call(frame, i);
        return -1;
      case 'return':
        this.leave(frame, i.value === null ? null : i.value(this.env));
        return -1;
      case 'breakpoint':
        this.paused = true;
        return pc + 1;
      case 'wait':
      case 'label':
        return pc + 1;
      case 'operation':
        throw new ExpressionError(`'${i.choices[0]?.operation.name}' takes steps, and cannot be called here`);
    }
  }

  private operation(thread: Thread, i: Instruction & { kind: 'operation' }): void {
    const self = i.on(this.env);
    const choice = self instanceof KObject ? chosen(i.choices, self.$name) : undefined;
    if (choice === undefined) {
      const { name, on } = (i.choices[0] as Choice).operation;
      throw new ExpressionError(`'${name}' is an operation of ${on}, not of ${kindOf(self)}`);
    }
    const { args, operation } = choice;
    const values = new Array<Value>(args.length);
    for (let k = 0; k < args.length; k++) values[k] = (args[k] as Eval)(this.env);
    thread.call(operation.run(self as KObject, values));
  }

  private call(frame: Activation, i: Instruction & { kind: 'call' }): void {
    const callee = new Activation(i.unit(), frame, i.into, current?.steps);
    let depth = 0;
    for (let f: Activation | null = callee; f !== null; f = f.caller) depth++;
    if (depth > DEEPEST)
      throw new ExpressionError(`'${callee.unit.name}' calls itself more than ${DEEPEST} deep`);
    i.args.forEach((a, k) => {
      callee.v[1 + k] = a(this.env);
    });
    this.enter(callee);
  }

  private leave(frame: Activation, value: Value): void {
    const caller = frame.caller;
    this.enter(caller);
    if (caller === null) {
      this.result = value;
      return;
    }
    caller.put(frame.into, value);
    caller.pc++;
  }

  private enter(frame: Activation | null): void {
    this.control.frame = frame;
    this.env.frame = frame ?? this.frame;
  }

  /** Announces what the thread does next. */
  private standBefore(thread: Thread, i: Instruction): void {
    if (i.kind !== 'wait') {
      thread.op = Op.statement;
      return;
    }
    thread.op = Op.until;
    thread.obj = null;
    thread.b = `'${i.text}'`;
    thread.a = () => {
      try {
        return truth(i.condition(this.env));
      } catch {
        return true;
      }
    };
  }

  frames(): readonly StackFrame[] {
    const frames: StackFrame[] = [];
    for (let f = this.control.frame; f !== null; f = f.caller)
      frames.push({ site: siteIn(f), locals: () => [] });
    return frames;
  }

  /** Activations of the scenario's own code, innermost first. */
  activations(): Activation[] {
    const list: Activation[] = [];
    for (let f = this.control.frame; f !== null; f = f.caller) list.push(f);
    return list.length === 0 ? [this.frame] : list;
  }

  site(): number {
    const frame = this.control.frame;
    return frame === null ? siteIn(this.frame) : siteIn(frame);
  }

  level(): number {
    let n = 0;
    for (let f = this.control.frame; f !== null; f = f.caller) n++;
    return n;
  }

  readonly base = 0;

  restored(thread: Thread, within: boolean): void {
    const frame = this.control.frame;
    this.env.frame = frame ?? this.frame;
    this.paused = false;
    if (within) return;
    if (frame === null) thread.op = Op.ended;
    // Before its first step a thread has announced nothing yet, whatever its first statement is.
    else if (thread.steps > 0) this.standBefore(thread, frame.unit.code[frame.pc] as Instruction);
  }
}

/** The operation of that structure. */
function chosen(choices: readonly Choice[], on: string): Choice | undefined {
  for (let k = 0; k < choices.length; k++) if (choices[k]?.operation.on === on) return choices[k];
  return undefined;
}

const siteIn = (f: Activation) => (f.unit.code[Math.min(f.pc, f.unit.code.length - 1)] as Instruction).site;

/**
 * Runs an `fn` to its end at once, inside an expression. Throws `ExpressionError` when it takes a step, changes anything but its
 * own variables, or does not end.
 */
export const runPure = (unit: Unit, args: readonly Value[], limit = 100_000): Value =>
  unnoted(() => look(unit, args, limit));

function look(unit: Unit, args: readonly Value[], limit: number): Value {
  const body = new Body(
    unit,
    args.map((v, k) => [1 + k, v] as const),
  );
  body.env.looking = true;
  for (let n = 0; n < limit; n++) {
    const frame = body.control.frame;
    if (frame === null) return body.result;
    const pc = frame.pc;
    const next = body.execute(frame, pc, frame.unit.code[pc] as Instruction);
    if (next >= 0) frame.pc = next;
  }
  throw new ExpressionError(`'${unit.name}' does not come to an end`);
}
