/** Compiles assignments. */
import type * as ast from '../generated/ast.js';
import { writeField, writeIndex } from './access.js';
import type { Assign, Env, Unit } from './code.js';
import type { Owner } from './emitter.js';
import { compileExpression } from './expression.js';
import { BINARY } from './operators.js';
import { ExpressionError, mayChange, type Value } from './values.js';

/** What an expression on the left of an assignment sets. `unit` is the body that it stands in; null outside of all. */
export function compileTarget(e: ast.Expression, owner: Owner, unit: Unit | null): Assign {
  if (e.$type === 'NameExpr') return owner.assigned(unit, e);
  if (e.$type === 'Field') {
    const [receiver, name] = [compileExpression(e.receiver, owner), e.name];
    return (x, v) => {
      mayChange(x, `set '${name}'`);
      writeField(receiver(x), name, v);
    };
  }
  if (e.$type === 'Index') {
    const [receiver, index] = [compileExpression(e.receiver, owner), compileExpression(e.index, owner)];
    return (x, v) => {
      mayChange(x, 'set an element');
      writeIndex(receiver(x), index(x), v);
    };
  }
  throw new ExpressionError('this cannot be assigned to');
}

/** The operator of `+=` and the like; undefined for a plain assignment. */
export function compound(operator: string): ((a: Value, b: Value) => Value) | undefined {
  return operator === '=' ? undefined : BINARY[operator.slice(0, -1)];
}

/** An assignment as a whole, of a value that takes no step. */
export function compileAssignment(
  s: ast.Action & { readonly operator: string; readonly value: ast.Expression },
  owner: Owner,
  unit: Unit | null,
): (env: Env) => void {
  const assign = compileTarget(s.target, owner, unit);
  const given = compileExpression(s.value, owner);
  const op = compound(s.operator);
  if (op === undefined) return (x) => assign(x, given(x));
  const before = compileExpression(s.target, owner);
  return (x) => assign(x, op(before(x), given(x)));
}
