/** Labels of a thread, and of the functions that it can reach. */
import * as ast from '../ast.js';
import { calleeOf } from '../symbols.js';
import type { Report } from './report.js';

/** The labels of a body and of the functions that it calls, by name. */
export function labelsOf(body: ast.Block | undefined): Map<string, ast.Label> {
  const labels = new Map<string, ast.Label>();
  const pending: ast.AstNode[] = body === undefined ? [] : [body];
  const seen = new Set<ast.AstNode>();
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const n of ast.descendants(node)) {
      if (ast.isLabel(n) && n.name !== undefined && !labels.has(n.name)) labels.set(n.name, n);
      const callee = ast.isCall(n) ? calleeOf(n) : undefined;
      if (callee?.kind === 'fn') pending.push(callee.node.body);
    }
  }
  return labels;
}

/** Reports labels of one body that have the same name. */
export function checkLabels(body: ast.Block | undefined, report: Report): void {
  const names = new Set<string>();
  for (const n of body === undefined ? [] : ast.descendants(body)) {
    if (!ast.isLabel(n) || n.name === undefined) continue;
    if (names.has(n.name))
      report.error(n, 'duplicate', `there are two labels '${n.name}' here: give this one another name`);
    names.add(n.name);
  }
}
