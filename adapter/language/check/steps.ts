/** Which calls take steps, and so cannot stand where nothing may run. */
import * as ast from '../ast.js';
import { calleeOf, type SymbolOf } from '../symbols.js';

/** Whether calling this takes steps: an operation, or a function that comes to one or to `wait`. */
export function takesSteps(callee: SymbolOf): boolean {
  const pending: SymbolOf[] = [callee];
  const seen = new Set<ast.Fn>();
  for (let s = pending.pop(); s !== undefined; s = pending.pop()) {
    if (s.kind === 'operation') return true;
    if (s.kind !== 'fn' || seen.has(s.node)) continue;
    seen.add(s.node);
    for (const n of ast.descendants(s.node)) {
      if (ast.isWait(n)) return true;
      const next = ast.isCall(n) ? calleeOf(n) : undefined;
      if (next !== undefined) pending.push(next);
    }
  }
  return false;
}
