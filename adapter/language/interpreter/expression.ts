/** Compiles expressions that take no step. */
import type { Global, Query } from '../../emulator/subsystem.js';
import type * as ast from '../generated/ast.js';
import type { SymbolOf } from '../symbols.js';
import { readField, readIndex } from './access.js';
import type { Env, Eval } from './code.js';
import { literal } from './literal.js';
import { BINARY, UNARY } from './operators.js';
import { ExpressionError, fromKernel, truth, type Value, whole } from './values.js';

/** What the names of an expression mean where it is compiled; the program knows. */
export interface Names {
  /** What a name stands for. Throws `ExpressionError` for a name that nothing has. */
  resolve(name: ast.NameExpr): SymbolOf;
  /** Reads a variable, wherever it lives. */
  variable(symbol: SymbolOf & { kind: 'variable' }): Eval;
  /** Reads a `const` or `param` of the file. */
  constant(node: ast.Const | ast.Param): Eval;
  global(global: Global): Eval;
  query(query: Query): (env: Env, args: readonly unknown[]) => Value;
  /** Top-level variable `name` of a thread (`guest.x`, `w[2].x`). */
  ofThread(thread: ast.Thread, index: Eval | null, name: string): Eval;
  /** Runs an `fn` that takes no steps. */
  pureCall(fn: ast.Fn, args: readonly Eval[]): Eval;
}

/** Gives numbers to the variables of nested quantifiers, and holds the parts of the expression that are known already. */
class Quantifiers {
  readonly numbers = new Map<ast.Quantifier, number>();
  constructor(readonly known: ReadonlyMap<ast.Expression, Eval>) {}
}

/** Compiles an expression; `known` parts are read as given. Throws `ExpressionError` for what cannot be compiled; checks have refused most of that before. */
export function compileExpression(
  e: ast.Expression,
  names: Names,
  known: ReadonlyMap<ast.Expression, Eval> = NOTHING,
): Eval {
  return expression(e, names, new Quantifiers(known));
}

const NOTHING: ReadonlyMap<ast.Expression, Eval> = new Map();

function expression(e: ast.Expression, names: Names, q: Quantifiers): Eval {
  const known = q.known.get(e);
  if (known !== undefined) return known;
  const sub = (x: ast.Expression) => expression(x, names, q);
  switch (e.$type) {
    case 'IntLiteral':
    case 'DurationLiteral':
    case 'EndpointLiteral':
    case 'StringLiteral':
    case 'BoolLiteral':
    case 'NoneLiteral': {
      const value = literal(e);
      return () => value;
    }
    case 'ListLiteral': {
      const items = e.items.map(sub);
      return (x) => items.map((i) => i(x));
    }
    case 'NameExpr':
      return name(e, names, q);
    case 'Unary': {
      const op = UNARY[e.operator] as (a: Value) => Value;
      const operand = sub(e.operand);
      return (x) => op(operand(x));
    }
    case 'Binary':
      return binary(e, sub);
    case 'Conditional': {
      const [condition, then, otherwise] = [sub(e.condition), sub(e.then), sub(e.otherwise)];
      return (x) => (truth(condition(x)) ? then(x) : otherwise(x));
    }
    case 'Quantifier':
      return quantifier(e, names, q);
    case 'Field':
      return field(e, names, sub);
    case 'Index': {
      const [receiver, index] = [sub(e.receiver), sub(e.index)];
      return (x) => readIndex(receiver(x), index(x));
    }
    case 'Call':
      return call(e, names, sub);
    default:
      throw new ExpressionError('this is not an expression');
  }
}

function name(e: ast.NameExpr, names: Names, q: Quantifiers): Eval {
  const s = names.resolve(e);
  switch (s.kind) {
    case 'variable': {
      const bound = s.node.$type === 'Quantifier' ? q.numbers.get(s.node) : undefined;
      return bound === undefined ? names.variable(s) : (x) => x.bound[bound] as Value;
    }
    case 'const':
    case 'param':
      return names.constant(s.node);
    case 'global':
      return names.global(s.global);
    case 'event': {
      const k = s.index;
      return (x) => fromKernel(x.values[k]);
    }
    case 'constant': {
      const value = fromKernel(s.value);
      return () => value;
    }
    default:
      throw new ExpressionError(`'${e.name}' cannot be used as a value`);
  }
}

function binary(e: ast.Binary, sub: (e: ast.Expression) => Eval): Eval {
  const [left, right] = [sub(e.left), sub(e.right)];
  switch (e.operator) {
    case '&&':
      return (x) => truth(left(x), "the left side of '&&'") && truth(right(x), "the right side of '&&'");
    case '||':
      return (x) => truth(left(x), "the left side of '||'") || truth(right(x), "the right side of '||'");
    case '=>':
      return (x) => !truth(left(x), "the left side of '=>'") || truth(right(x), "the right side of '=>'");
    default: {
      const op = BINARY[e.operator] as (a: Value, b: Value) => Value;
      return (x) => op(left(x), right(x));
    }
  }
}

function quantifier(e: ast.Quantifier, names: Names, q: Quantifiers): Eval {
  const list = expression(e.list, names, q);
  const k = q.numbers.size;
  q.numbers.set(e, k);
  const body = expression(e.body, names, q);
  const holds = (x: Env, item: Value) => {
    x.bound[k] = item;
    return truth(body(x), `what '${e.quantifier}' asks`);
  };
  return (x) => {
    const items = elements(list(x));
    if (e.quantifier === 'all') return items.every((i) => holds(x, i));
    if (e.quantifier === 'any') return items.some((i) => holds(x, i));
    return items.reduce<number>((n, i) => n + (holds(x, i) ? 1 : 0), 0);
  };
}

/** The elements of a list, for quantifiers and loops. Throws `ExpressionError` for what has none. */
export function elements(list: Value): readonly Value[] {
  if (Array.isArray(list)) return list;
  const length = whole(lengthOf(list), 'the length');
  return Array.from({ length }, (_, i) => readIndex(list, i));
}
const lengthOf = (list: Value): Value => readField(list, 'length');

function field(e: ast.Field, names: Names, sub: (e: ast.Expression) => Eval): Eval {
  const thread = threadOf(e.receiver, names);
  if (thread !== null)
    return names.ofThread(thread.node, thread.index === null ? null : sub(thread.index), e.name);
  const receiver = sub(e.receiver);
  const name = e.name;
  return (x) => readField(receiver(x), name);
}

function threadOf(
  e: ast.Expression,
  names: Names,
): { node: ast.Thread; index: ast.Expression | null } | null {
  const base = e.$type === 'Index' ? e.receiver : e;
  if (base.$type !== 'NameExpr') return null;
  const s = names.resolve(base);
  return s.kind === 'thread' ? { node: s.node, index: e.$type === 'Index' ? e.index : null } : null;
}

function call(e: ast.Call, names: Names, sub: (e: ast.Expression) => Eval): Eval {
  const s = e.callee.$type === 'NameExpr' ? names.resolve(e.callee) : null;
  if (s?.kind === 'query') {
    const args = bindArguments(e.args, s.query.params, sub);
    const query = names.query(s.query);
    return (x) =>
      query(
        x,
        args.map((a) => a(x)),
      );
  }
  if (s?.kind === 'fn')
    return names.pureCall(
      s.node,
      e.args.map((a) => sub(a.value)),
    );
  throw new ExpressionError('operations take steps, and cannot be called here');
}

/**
 * Puts arguments, by position or by name, into the order of the parameters, with defaults for what is left out.
 * Throws `ExpressionError` when one is missing or unknown.
 */
export function bindArguments<T>(
  args: readonly ast.Argument[],
  params: readonly { readonly name: string; readonly default?: unknown }[],
  value: (e: ast.Expression) => T,
): (T | Eval)[] {
  const given = new Map<string, T>();
  args.forEach((a, i) => {
    const p = a.name === undefined ? params[i] : params.find((x) => x.name === a.name);
    if (p === undefined)
      throw new ExpressionError(
        a.name === undefined ? 'too many arguments' : `there is no parameter '${a.name}'`,
      );
    given.set(p.name, value(a.value));
  });
  return params.map((p) => {
    const v = given.get(p.name);
    if (v !== undefined) return v;
    if (!('default' in p)) throw new ExpressionError(`the argument '${p.name}' is missing`);
    return () => p.default as Value;
  });
}
