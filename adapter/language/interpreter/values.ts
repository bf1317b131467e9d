/**
 * Values of the scenario language. Integers are exact: a `number` while it is a safe integer, a `bigint` beyond, and always in
 * the smaller of the two forms, so that `===` compares them.
 */
import { UsageError } from '../../emulator/subsystem.js';
import { Fault, KObject } from '../../machine/index.js';

/** An integer in its canonical form. */
export type Int = number | bigint;

/** A value: `null` is `none`. */
export type Value = Int | boolean | string | null | Duration | Endpoint | readonly Value[] | KObject;

/** A span of virtual time. */
export class Duration {
  /** @param amount whole number of `unit`s; ticks have no fixed length and are compared only with ticks */
  constructor(
    readonly amount: number,
    readonly unit: 'ns' | 'ticks',
  ) {}
}

/** An internet endpoint, as written. */
export class Endpoint {
  constructor(
    readonly address: string,
    readonly port: number,
  ) {}
}

/** A run-time mistake of a scenario's expression, in plain words; the caller knows the place. */
export class ExpressionError extends Error {}

/** Whether an error says that an expression makes no sense in this state, so that its author is to be told, and nobody else. */
export function isMistake(e: unknown): e is Error {
  return e instanceof ExpressionError || e instanceof UsageError || e instanceof Fault;
}

/** Refuses to change anything while an expression only looks. Throws `ExpressionError`. */
export function mayChange(x: { readonly looking: boolean }, what: string): void {
  if (x.looking) throw new ExpressionError(`a function that is called in an expression must not ${what}`);
}

/** An integer in canonical form. */
export function canon(v: Int): Int {
  if (typeof v === 'number') return v;
  const n = Number(v);
  return Number.isSafeInteger(n) ? n : v;
}

/** What kernel code hands over, as a value of the language. */
export function fromKernel(v: unknown): Value {
  if (typeof v === 'bigint') return canon(v);
  return v === undefined ? null : (v as Value);
}

/** What kind of value it is, in words for messages. */
export function kindOf(v: Value): string {
  if (v === null) return 'none';
  if (typeof v === 'number' || typeof v === 'bigint') return 'an integer';
  if (typeof v === 'boolean') return 'a boolean';
  if (typeof v === 'string') return 'a string';
  if (Array.isArray(v)) return 'a list';
  if (v instanceof Duration) return 'a duration';
  if (v instanceof Endpoint) return 'an endpoint';
  return `a ${(v as KObject).$name}`;
}

/** A condition's value. Throws `ExpressionError` for what is not a boolean. */
export function truth(v: Value, what = 'the condition'): boolean {
  if (typeof v === 'boolean') return v;
  throw new ExpressionError(`${what} must be true or false, but it is ${v === null ? 'none' : kindOf(v)}`);
}

/** An integer that fits a JavaScript number: a count, an index. Throws `ExpressionError` for anything else. */
export function whole(v: Value, what: string): number {
  if (typeof v === 'number') return v;
  throw new ExpressionError(
    `${what} must be an integer, but it is ${typeof v === 'bigint' ? 'too large' : kindOf(v)}`,
  );
}

/** Whether two values are the same: numbers, texts and lists by what they hold, kernel objects by identity. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((x, i) => equal(x, b[i] as Value));
  if (a instanceof Duration && b instanceof Duration) return a.unit === b.unit && a.amount === b.amount;
  if (a instanceof Endpoint && b instanceof Endpoint) return a.address === b.address && a.port === b.port;
  return sameView(a, b);
}

/** Two views of one place (`spte` handles are made when asked for) are the same thing. */
function sameView(a: Value, b: Value): boolean {
  if (!(a instanceof KObject && b instanceof KObject) || a.$name !== b.$name) return false;
  const [x, y] = [a as { $key?: unknown }, b as { $key?: unknown }];
  return x.$key !== undefined && x.$key === y.$key;
}
