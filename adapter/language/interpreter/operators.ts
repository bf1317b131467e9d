/** Arithmetic and comparison on values. All integers are exact; division truncates towards zero, as in C. */
import { canon, Duration, ExpressionError, equal, type Int, kindOf, type Value } from './values.js';

const isInt = (v: Value): v is Int => typeof v === 'number' || typeof v === 'bigint';

/** Integers are exact but not endless: what is longer is a runaway computation. */
const LIMIT = 1n << 4096n;
/** Longest string or list that an expression may build. */
const LONGEST = 1 << 20;

function bounded(r: bigint): Int {
  if (r > LIMIT || r < -LIMIT) throw new ExpressionError('the integer is longer than 4096 bits');
  return canon(r);
}

type IntOp = (a: number, b: number) => number;
type BigOp = (a: bigint, b: bigint) => bigint;

/** An operator on integers: the quick form on numbers where its result is exact, the exact one otherwise. */
function integer(name: string, quick: IntOp | null, exact: BigOp) {
  return (a: Value, b: Value): Value => {
    if (quick !== null && typeof a === 'number' && typeof b === 'number') {
      const r = quick(a, b);
      if (Number.isSafeInteger(r)) return r === 0 ? 0 : r;
    }
    if (isInt(a) && isInt(b)) return bounded(exact(BigInt(a), BigInt(b)));
    throw new ExpressionError(`'${name}' needs two integers, not ${kindOf(a)} and ${kindOf(b)}`);
  };
}

/** Bitwise operators agree with 32-bit arithmetic only below 2^31. */
const small =
  (op: IntOp): IntOp =>
  (a, b) =>
    a >= 0 && b >= 0 && a < 0x80000000 && b < 0x80000000 ? op(a, b) : Number.NaN;

const nonZero = (b: bigint) => {
  if (b === 0n) throw new ExpressionError('division by zero');
  return b;
};
const shift = (b: bigint) => {
  if (b < 0n || b > 4096n) throw new ExpressionError(`cannot shift by ${b}`);
  return b;
};

function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (isInt(a) && isInt(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  if (a instanceof Duration && b instanceof Duration && a.unit === b.unit) return a.amount - b.amount;
  throw new ExpressionError(`cannot compare ${kindOf(a)} with ${kindOf(b)}`);
}

function plus(a: Value, b: Value): Value {
  if (typeof a === 'string' && typeof b === 'string') return notTooLong(a + b);
  if (Array.isArray(a) && Array.isArray(b)) return notTooLong([...a, ...b]);
  if (a instanceof Duration && b instanceof Duration && a.unit === b.unit)
    return new Duration(a.amount + b.amount, a.unit);
  return addInt(a, b);
}
function notTooLong<T extends { readonly length: number }>(v: T): T {
  if (v.length > LONGEST) throw new ExpressionError(`the result is longer than ${LONGEST} elements`);
  return v;
}
const addInt = integer(
  '+',
  (a, b) => a + b,
  (a, b) => a + b,
);

/** Binary operators that evaluate both sides. `&&`, `||` and `=>` do not, and are the compiler's. */
export const BINARY: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  '+': plus,
  '-': integer(
    '-',
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  '*': integer(
    '*',
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  '/': integer(
    '/',
    (a, b) => (b === 0 ? Number.NaN : Math.trunc(a / b)),
    (a, b) => a / nonZero(b),
  ),
  '%': integer(
    '%',
    (a, b) => (b === 0 ? Number.NaN : a % b),
    (a, b) => a % nonZero(b),
  ),
  '&': integer(
    '&',
    small((a, b) => a & b),
    (a, b) => a & b,
  ),
  '|': integer(
    '|',
    small((a, b) => a | b),
    (a, b) => a | b,
  ),
  '^': integer(
    '^',
    small((a, b) => a ^ b),
    (a, b) => a ^ b,
  ),
  '<<': integer('<<', null, (a, b) => a << shift(b)),
  '>>': integer('>>', null, (a, b) => a >> shift(b)),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
  '==': equal,
  '!=': (a, b) => !equal(a, b),
};

/** Unary operators. */
export const UNARY: Readonly<Record<string, (a: Value) => Value>> = {
  '-': (a) => {
    if (!isInt(a)) throw new ExpressionError(`'-' needs an integer, not ${kindOf(a)}`);
    return typeof a === 'number' ? (a === 0 ? 0 : -a) : canon(-a);
  },
  '~': (a) => {
    if (!isInt(a)) throw new ExpressionError(`'~' needs an integer, not ${kindOf(a)}`);
    return canon(~BigInt(a));
  },
  '!': (a) => {
    if (typeof a !== 'boolean') throw new ExpressionError(`'!' needs a boolean, not ${kindOf(a)}`);
    return !a;
  },
};
