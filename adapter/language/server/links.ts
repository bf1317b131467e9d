/** Which words of a file stand for something that a file declares: for definition, references, rename and highlights. */
import * as ast from '../ast.js';
import { labelsOf } from '../check/labels.js';
import { constantOf } from '../check/use.js';
import { type Range, rangeOfWord } from '../diagnostics.js';
import { calleeOf, symbolOf, topLevel } from '../symbols.js';
import { threadOf } from '../types.js';

/** What a file can declare under a name. */
export type Target =
  | ast.Let
  | ast.For
  | ast.Quantifier
  | ast.Parameter
  | ast.Family
  | ast.Const
  | ast.Param
  | ast.Fn
  | ast.Thread
  | ast.Label;

/** A word, and what it stands for. */
export interface Link {
  readonly word: string;
  readonly range: Range;
  readonly target: Target;
}

/** The words of one node, without those of nodes below it. */
export function linksOf(node: ast.AstNode): Link[] {
  const link = (word: string | undefined, target: Target | undefined, last = false): Link[] =>
    word === undefined || target === undefined
      ? []
      : [{ word, range: rangeOfWord(node, word, last), target }];
  switch (node.$type) {
    case 'Let':
    case 'For':
    case 'Quantifier':
    case 'Parameter':
    case 'Const':
    case 'Param':
    case 'Fn':
    case 'Thread':
    case 'Label':
      return link((node as Target).name, node as Target);
    case 'Family': {
      const f = node as ast.Family;
      return f.variable === f.name ? [...link(f.name, f), ...link(f.variable, f, true)] : link(f.name, f);
    }
    case 'NameExpr':
      return link((node as ast.NameExpr).name, declaredBy(node as ast.NameExpr));
    case 'Field': {
      const f = node as ast.Field;
      const thread = threadOf(f.receiver);
      return thread === undefined
        ? []
        : link(
            f.name,
            topLevel(thread).find((l) => l.name === f.name),
            true,
          );
    }
    case 'UseWord':
      return link((node as ast.UseWord).text, constantOf(node as ast.UseWord));
    case 'Argument':
      return link((node as ast.Argument).name, parameterOf(node as ast.Argument));
    case 'Directive':
      return link((node as ast.Directive).thread, threadOfDirective(node as ast.Directive));
    case 'ToLabel': {
      const stop = node as ast.ToLabel;
      return link(stop.label, labelsOf(threadOfDirective(stop.$container)?.body).get(stop.label), true);
    }
    default:
      return [];
  }
}

/** All words of a file that stand for `target`. */
export function linksTo(target: Target, root: ast.File): Link[] {
  return [...ast.descendants(root)].flatMap(linksOf).filter((l) => l.target === target);
}

/** The word at a place that stands for something declared. */
export function linkAt(node: ast.AstNode, text: string, line: number, column: number): Link | undefined {
  return linksOf(node).find(
    (l) =>
      l.word === text && l.range.line === line && l.range.column <= column && column <= l.range.endColumn,
  );
}

function declaredBy(name: ast.NameExpr): Target | undefined {
  const s = symbolOf(name);
  return s !== undefined && 'node' in s ? s.node : undefined;
}

function parameterOf(a: ast.Argument): ast.Parameter | undefined {
  const callee = ast.isCall(a.$container) ? calleeOf(a.$container) : undefined;
  return callee?.kind === 'fn' ? callee.node.parameters.find((p) => p.name === a.name) : undefined;
}

function threadOfDirective(d: ast.Directive): ast.Thread | undefined {
  return ast
    .enclosing(d, ast.isScenario)
    ?.members.find((m): m is ast.Thread => ast.isThread(m) && m.name === d.thread);
}
