/** What names stand for: the one place that interpreter, checks and language server ask. */
import * as ast from './ast.js';
import type { Names, SymbolOf } from './names.js';
import { operationOf as operation, symbolOf } from './types.js';

export {
  type Names,
  type Owner,
  offersAt,
  ownerAt,
  type SymbolOf,
  topLevel,
  type VariableNode,
  visibleNames,
} from './names.js';
export { calleeOf, membersOf, operationOf, operationsOn, symbolOf, threadOf, typeOf } from './types.js';

/** What a name stands for: the same as `SymbolOf`. */
export type Resolved = SymbolOf;

/**
 * What a name, or the callee `receiver.operation` of a call, stands for; undefined when nothing has it.
 *
 * @param context where the expression is evaluated, for one that does not stand in a file
 */
export function resolve(name: ast.NameExpr | ast.Field, context: Names = {}): SymbolOf | undefined {
  return ast.isField(name) ? operation(name, context) : symbolOf(name, context);
}
