/** Expressions and statements that stand alone: watches, conditions, log messages, the debug console. */
import * as ast from './ast.js';
import { checkExpression, checkStatement } from './check/index.js';
import { type Diagnostic, inOrder } from './diagnostics.js';
import type { Names } from './names.js';
import { type Parsed, parse } from './parser/parse.js';
import type { Problem } from './parser/tokens.js';

/** An expression ready to be evaluated, or what is wrong with it. Positions are inside the text, on line 1. */
export type ParsedExpression =
  | { readonly expression: ast.Expression }
  | { readonly diagnostics: readonly Diagnostic[] };
/** A statement ready to be run, or what is wrong with it. */
export type ParsedStatement =
  | { readonly expression: ast.Expression }
  | { readonly statement: ast.Statement }
  | { readonly diagnostics: readonly Diagnostic[] };

/** How the place of an expression that stands alone is called in its diagnostics. */
const NO_FILE = 'expression';

/** Parses and checks an expression that must not change anything. Never throws. */
export function parseExpression(text: string, context: Names = {}): ParsedExpression {
  const parsed = parse<ast.Expression>(text, 'Expression');
  const diagnostics = wrong(parsed, () => checkExpression(parsed.root, context, NO_FILE));
  return diagnostics.length > 0 ? { diagnostics } : { expression: parsed.root };
}

/** Parses and checks what is typed into a debug console: an expression, or an assignment or call. Never throws. */
export function parseStatement(text: string, context: Names = {}): ParsedStatement {
  const asExpression = parse<ast.Expression>(text, 'Expression');
  if (asExpression.problems.length === 0 && !ast.isCall(asExpression.root))
    return parseExpression(text, context);
  const asStatement = parse<ast.Statement>(text, 'Statement');
  if (asStatement.problems.length > 0) {
    const further = reach(asStatement.problems) > reach(asExpression.problems) ? asStatement : asExpression;
    if (further.problems.length > 0) return { diagnostics: wrong(further, () => []) };
    return parseExpression(text, context);
  }
  const statement = asStatement.root;
  const pure =
    ast.isAction(statement) && statement.operator === undefined ? parseExpression(text, context) : undefined;
  if (pure !== undefined && 'expression' in pure) return pure;
  const diagnostics = wrong(asStatement, () => checkStatement(statement, context, NO_FILE));
  return diagnostics.length > 0 ? { diagnostics } : { statement };
}

const reach = (problems: readonly Problem[]) => problems[0]?.column ?? Number.POSITIVE_INFINITY;

function wrong(parsed: Parsed<ast.AstNode>, check: () => Diagnostic[]): Diagnostic[] {
  if (parsed.problems.length > 0)
    return inOrder(parsed.problems.map((p) => ({ file: NO_FILE, severity: 'error', ...p })));
  return inOrder(check()).filter((d) => d.severity === 'error');
}
