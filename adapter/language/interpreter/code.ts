/**
 * The form in which scenarios are run: each body is a flat list of instructions, so that where a thread stands is a number in
 * journaled memory, and not a generator that nobody could take back.
 */
import type { Operation } from '../../emulator/subsystem.js';
import { journal, KObject, looked, Unseen } from '../../machine/index.js';
import type * as ast from '../generated/ast.js';
import type { Value } from './values.js';

/** What an expression can see. One environment belongs to each thread and is reused. */
export class Env {
  /** Variables of the body that is running; null where there is none (an invariant, a condition). */
  frame: Activation | null = null;
  /** Values of quantifier variables, by their number in the expression. */
  readonly bound: Value[] = [];
  /** Values of an event's fields, for conditions. */
  values: readonly unknown[] = [];
  /** Set while an `fn` runs inside an expression: it may look at everything, and change nothing but its own variables. */
  looking = false;
}

/** A compiled expression. Takes no step and changes nothing. Throws `ExpressionError`. */
export type Eval = (env: Env) => Value;
/** A compiled assignment. */
export type Assign = (env: Env, value: Value) => void;

/** An operation that a call may mean, with the arguments in the order of its parameters. */
export interface Choice {
  readonly operation: Operation;
  readonly args: readonly Eval[];
}

/** One instruction. Those with `stands` begin a statement: the thread stops before them, and resuming there is one step. */
export type Instruction = { readonly site: number; stands: boolean } & (
  | { readonly kind: 'do'; readonly act: (env: Env) => void }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'branch'; readonly condition: Eval; otherwise: number }
  | {
      readonly kind: 'operation';
      readonly choices: readonly Choice[];
      readonly on: Eval;
      readonly into: number;
    }
  | {
      readonly kind: 'call';
      readonly unit: () => Unit;
      readonly args: readonly Eval[];
      readonly into: number;
    }
  | { readonly kind: 'wait'; readonly condition: Eval; readonly text: string }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'breakpoint' }
  | { readonly kind: 'return'; readonly value: Eval | null }
);

/** A variable of a unit, for the Variables pane: visible from `from` to `to`, offsets in the file. */
export interface Variable {
  readonly name: string;
  readonly slot: number;
  readonly from: number;
  readonly to: number;
}

/** A body: `setup`, a thread, an `fn` or `finally`. */
export interface Unit {
  readonly name: string;
  readonly kind: 'setup' | 'thread' | 'fn' | 'finally';
  readonly file: string;
  readonly code: Instruction[];
  readonly variables: Variable[];
  /** Offsets of instructions' statements, for telling which variables are visible. */
  readonly offsets: number[];
  /** The statements that the instructions belong to. */
  readonly nodes: (ast.Statement | ast.Block)[];
  slots: number;
}

/** A running body: where it stands, and its variables. Slot 0 is the position in the code. */
export class Activation extends KObject {
  readonly v: Value[];
  /** What its variables are called by: the thread or `fn`; those of `setup` have names of their own. */
  $called: string;

  /**
   * @param into  slot of the caller that takes the result, or -1
   * @param since step of its thread in which it was entered; 0 where it was there from the beginning
   */
  constructor(
    readonly unit: Unit,
    readonly caller: Activation | null,
    readonly into: number,
    readonly since = 0,
  ) {
    super();
    this.v = new Array<Value>(unit.slots).fill(null);
    this.v[0] = 0;
    this.$called = unit.kind === 'setup' ? '' : unit.name;
  }
  get $name() {
    return 'frame';
  }
  get pc(): number {
    return this.v[0] as number;
  }
  set pc(n: number) {
    if (journal !== null) journal.push(this, 0, this.v[0]);
    this.v[0] = n;
  }
  put(slot: number, value: Value): void {
    if (journal !== null) journal.push(this, slot, this.v[slot]);
    this.v[slot] = value;
  }
  /** The value of a variable, as expressions read it. */
  look(slot: number): Value {
    looked(this, slot);
    return this.v[slot] as Value;
  }
  override $swap(slot: number, value: unknown): unknown {
    const now = this.v[slot];
    this.v[slot] = value as Value;
    return now;
  }
  $get(slot: number): unknown {
    return this.v[slot];
  }
  $set(slot: number, value: unknown): void {
    this.v[slot] = value as Value;
  }
  $slotName(slot: number) {
    return this.unit.variables.find((x) => x.slot === slot)?.name ?? `temporary ${slot}`;
  }
}

/** A body that is running, one for each thread: the innermost activation, or null when the body has ended. */
export class Control extends Unseen {
  private top: Activation | null = null;

  get $name() {
    return 'thread';
  }
  get frame(): Activation | null {
    return this.top;
  }
  set frame(f: Activation | null) {
    if (journal !== null) journal.push(this, 0, this.top);
    this.top = f;
  }
  $get(): unknown {
    return this.top;
  }
  $set(_slot: number, value: unknown): void {
    this.top = value as Activation | null;
  }
}
