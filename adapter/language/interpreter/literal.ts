/** The values of literals. */
import type * as ast from '../generated/ast.js';
import { durationOf, endpointOf } from '../literals.js';
import { canon, Duration, Endpoint, ExpressionError, type Value } from './values.js';

/** The value of a literal. Throws `ExpressionError` for an endpoint that is none; checks have said so before. */
export function literal(
  e:
    | ast.IntLiteral
    | ast.DurationLiteral
    | ast.EndpointLiteral
    | ast.StringLiteral
    | ast.BoolLiteral
    | ast.NoneLiteral,
): Value {
  switch (e.$type) {
    case 'IntLiteral':
      return canon(e.value);
    case 'DurationLiteral': {
      const d = durationOf(e.text);
      return new Duration(Number(d.amount), d.unit);
    }
    case 'EndpointLiteral': {
      const p = endpointOf(e.text);
      if ('error' in p) throw new ExpressionError(p.error);
      return new Endpoint(p.address, p.port);
    }
    case 'StringLiteral':
    case 'BoolLiteral':
      return e.value;
    case 'NoneLiteral':
      return null;
  }
}
