/** Checks `const` and `param`: they are known before anything is there, and depend only on one another. */
import * as ast from '../ast.js';
import type { FileInfo } from '../files.js';
import { symbolOf, typeOf } from '../types.js';
import { checkExpression, type Place } from './expressions.js';
import { typeInWords } from './report.js';

/** Checks the constants and parameters of one file. */
export function checkConstants(info: FileInfo, place: Place): void {
  for (const d of info.root.declarations) {
    if (!ast.isConst(d) && !ast.isParam(d)) continue;
    checkExpression(d.value, { ...place, pure: `in a ${d.$type.toLowerCase()}` });
    if (d.value === undefined) continue;
    checkDependencies(d, place);
    const type = typeOf(d.value);
    if (ast.isParam(d) && type.kind !== 'int' && type.kind !== 'any')
      place.report.error(
        d.value,
        'type',
        `a param must be an integer, so that --set can give it another value; found ${typeInWords(type)}`,
      );
  }
}

function checkDependencies(d: ast.Const | ast.Param, { report }: Place): void {
  for (const n of ast.descendants(d.value)) {
    const s = ast.isNameExpr(n) ? symbolOf(n) : undefined;
    if (s?.kind === 'global' || s?.kind === 'query')
      report.error(
        n,
        'type',
        `'${s.name}' is not there yet: a ${d.$type.toLowerCase()} depends only on numbers and other constants`,
      );
  }
  if (reaches(d)) report.error(d, 'type', `'${d.name}' is defined by itself`);
}

/** Whether a constant needs its own value. */
function reaches(start: ast.Const | ast.Param): boolean {
  const pending: ast.AstNode[] = [start.value];
  const seen = new Set<ast.AstNode>();
  for (let node = pending.pop(); node !== undefined; node = pending.pop())
    for (const n of ast.descendants(node)) {
      const s = ast.isNameExpr(n) ? symbolOf(n) : undefined;
      const next = s?.kind === 'const' || s?.kind === 'param' ? s.node : undefined;
      if (next === start) return true;
      if (next?.value === undefined || seen.has(next)) continue;
      seen.add(next);
      pending.push(next.value);
    }
  return false;
}
