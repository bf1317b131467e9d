/** Checks expressions: names, fields, operators, and that nothing runs where nothing may. */
import { BOOL, INT, type ValueType } from '../../machine/index.js';
import * as ast from '../ast.js';
import { rangeOfWord } from '../diagnostics.js';
import { fileOf } from '../files.js';
import { didYouMean } from '../near.js';
import { MISSING } from '../parser/tokens.js';
import { knowsAll, unusedWith } from '../subsystems.js';
import { type Names, offersAt, operationsOn, type SymbolOf, visibleNames } from '../symbols.js';
import { common, expectedType, isInteger, membersOf, symbolOf, threadOf, typeOf } from '../types.js';
import { checkCall } from './calls.js';
import { checkLiteralOf } from './enums.js';
import { type Report, typeInWords } from './report.js';

/** Where an expression stands. */
export interface Place {
  readonly report: Report;
  readonly context: Names;
  /** Why operations cannot be called here: `in 'always'`. Undefined where they can. */
  readonly pure: string | undefined;
}

/** Checks an expression and all its parts. A part that a syntax error left out is passed over. */
export function checkExpression(e: ast.Expression | undefined, place: Place): void {
  if (e === undefined) return;
  switch (e.$type) {
    case 'NameExpr':
      return checkName(e, place);
    case 'Field':
      return checkField(e, place);
    case 'Call':
      return checkCall(e, place);
    case 'Index':
      return checkIndex(e, place);
    case 'Unary':
      checkExpression(e.operand, place);
      return wants(e.operand, e.operator === '!' ? BOOL : INT, `'${e.operator}' needs`, place);
    case 'Binary':
      checkExpression(e.left, place);
      checkExpression(e.right, place);
      return checkOperator(e, place);
    case 'Conditional':
      checkCondition(e.condition, "before '?'", place);
      checkExpression(e.then, place);
      return checkExpression(e.otherwise, place);
    case 'Quantifier':
      checkExpression(e.list, place);
      checkIterable(e.list, place);
      return checkCondition(e.body, `after '${e.quantifier} ${e.name} in ... :'`, place);
    case 'ListLiteral':
      for (const item of e.items) checkExpression(item, place);
  }
}

/** Checks an expression that must be true or false. */
export function checkCondition(e: ast.Expression | undefined, where: string, place: Place): void {
  checkExpression(e, place);
  if (e === undefined) return;
  const type = typeOf(e, place.context);
  if (type.kind === 'bool' || type.kind === 'any') return;
  const hint = isInteger(type)
    ? "; compare it, for instance with '!= 0'"
    : type.kind === 'struct'
      ? "; compare it with 'none'"
      : '';
  place.report.error(e, 'type', `expected true or false ${where}, found ${typeInWords(type)}${hint}`);
}

/** Checks an expression whose value must be of a type. */
export function checkTyped(e: ast.Expression | undefined, type: ValueType, what: string, place: Place): void {
  checkExpression(e, place);
  wants(e, type, what, place);
}

function wants(
  e: ast.Expression | undefined,
  type: ValueType,
  what: string,
  { report, context }: Place,
): void {
  if (e === undefined) return;
  const actual = typeOf(e, context);
  const ok = actual.kind === 'any' || actual.kind === type.kind || (type.kind === 'int' && isInteger(actual));
  if (!ok) report.error(e, 'type', `${what} ${typeInWords(type)}, found ${typeInWords(actual)}`);
}

/** Checks that `for` and quantifiers have something to go through. */
export function checkIterable(e: ast.Expression | undefined, { report, context }: Place): void {
  const type = typeOf(e, context);
  if (e === undefined || ['any', 'list', 'bitmap', 'struct'].includes(type.kind)) return;
  report.error(e, 'type', `expected a list after 'in', found ${typeInWords(type)}`);
}

function checkName(e: ast.NameExpr, place: Place): void {
  const { report, context } = place;
  if (e.name === undefined || e.name === MISSING) return;
  const symbol = symbolOf(e, context);
  if (symbol === undefined) return canTell(e, place) ? unknownName(e, place) : undefined;
  const misuse = misused(symbol);
  if (misuse !== undefined) report.error(e, 'type', misuse);
  if (symbol.kind === 'constant') {
    const wanted = expectedType(e, context);
    if (wanted?.kind === 'enum') checkLiteralOf(wanted, e, e.name, report);
    else if (symbol.all.length > 1 && new Set(symbol.all.map((c) => c.value)).size > 1)
      report.error(
        e,
        'type',
        `'${e.name}' means different bits in different words: combine or compare it with a field`,
      );
  }
}

function misused(s: SymbolOf): string | undefined {
  switch (s.kind) {
    case 'fn':
      return `'${s.name}' is a function: write ${s.name}(${s.node.parameters.map((p) => p.name).join(', ')})`;
    case 'query':
      return `'${s.name}' is a function: write ${s.name}(${s.query.params.map((p) => p.name).join(', ')})`;
    case 'thread':
      return s.node.family === undefined
        ? `'${s.name}' is a thread: write ${s.name}.NAME for one of its variables`
        : `'${s.name}' is a family of threads: write ${s.name}[0].NAME for a variable of one of them`;
    default:
      return undefined;
  }
}

/** Whether it can be said that a name is unknown: not where the subsystem that may have it is. */
export function canTell(e: ast.AstNode, { context }: Place): boolean {
  const scenario = ast.enclosing(e, ast.isScenario) ?? context.scenario;
  return scenario === undefined || knowsAll(scenario);
}

function unknownName(e: ast.NameExpr, { report, context }: Place): void {
  const wanted = expectedType(e, context);
  if (wanted?.kind === 'enum') return checkLiteralOf(wanted, e, e.name, report);
  const later = declaredLater(e);
  if (later !== undefined)
    return report.error(
      e,
      'unknown-name',
      `'${e.name}' is used before it is declared in line ${(later.$cstNode?.range.start.line ?? 0) + 1}`,
    );
  report.error(e, 'unknown-name', `unknown name '${e.name}'${unknownHint(e, context)}`);
}

function unknownHint(e: ast.NameExpr, context: Names): string {
  const unused = unusedWith(e.name, fileOf(e), offersAt(e, context));
  if (unused !== undefined) return `; it is a name of ${unused}: add \`use ${unused}\` to the scenario`;
  const operation = operationsOn(e, context).find((o) => o.name === e.name);
  if (operation !== undefined) return `; ${e.name} is an operation of ${operation.on}`;
  const names = visibleNames(e, context).filter((s) => misused(s) === undefined || s.kind === 'thread');
  return didYouMean(
    e.name,
    names.map((s) => s.name),
  );
}

function declaredLater(e: ast.NameExpr): ast.Let | undefined {
  for (let n: ast.AstNode | undefined = e; n !== undefined; n = n.$container) {
    const found = ast.isBlock(n)
      ? n.statements.find((s): s is ast.Let => ast.isLet(s) && s.name === e.name)
      : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkField(e: ast.Field, place: Place): void {
  const { report, context } = place;
  const thread = threadOf(e.receiver, context);
  if (thread === undefined) checkExpression(e.receiver, place);
  else checkThreadReceiver(e.receiver, thread, place);
  if (e.name === undefined) return;
  const members = membersOf(e.receiver, context);
  if (members === undefined || members.has(e.name)) return;
  const type = typeOf(e.receiver, context);
  const at = rangeOfWord(e, e.name, true);
  if (thread !== undefined)
    return report.error(
      at,
      'unknown-field',
      `thread '${thread.name}' has no variable '${e.name}'${didYouMean(e.name, members.keys())}`,
    );
  const operation = operationsOn(e.receiver, context).find((o) => o.name === e.name);
  const hint =
    operation !== undefined
      ? `; it is an operation: write ${e.name}(${operation.params.map((p) => p.name).join(', ')})`
      : didYouMean(e.name, members.keys());
  report.error(at, 'unknown-field', `${typeInWords(type)} has no field '${e.name}'${hint}`);
}

/** Checks `guest` or `w[2]` before a dot. */
function checkThreadReceiver(e: ast.Expression, thread: ast.Thread, place: Place): void {
  const { report } = place;
  if (ast.isIndex(e)) {
    checkTyped(e.index, INT, 'the number of a thread must be', place);
    if (thread.family === undefined)
      report.error(e, 'type', `'${thread.name}' is one thread and not a family: write ${thread.name}.NAME`);
  } else if (thread.family !== undefined)
    report.error(e, 'type', `'${thread.name}' is a family of threads: write ${thread.name}[0].NAME`);
}

function checkIndex(e: ast.Index, place: Place): void {
  checkExpression(e.receiver, place);
  checkTyped(e.index, INT, 'an index must be', place);
  const type = typeOf(e.receiver, place.context);
  if (['any', 'list', 'bitmap', 'struct'].includes(type.kind)) return;
  if (threadOf(e.receiver, place.context) === undefined)
    place.report.error(e, 'type', `${typeInWords(type)} has no elements`);
}

function checkOperator(e: ast.Binary, place: Place): void {
  const { report, context } = place;
  const [left, right] = [typeOf(e.left, context), typeOf(e.right, context)];
  switch (e.operator) {
    case '&&':
    case '||':
    case '=>':
      for (const side of [e.left, e.right]) wants(side, BOOL, `'${e.operator}' needs`, place);
      return;
    case '==':
    case '!=':
      if (!comparable(left, right))
        report.error(e, 'type', `${typeInWords(left)} is never equal to ${typeInWords(right)}`);
      for (const [side, other] of [
        [e.left, right],
        [e.right, left],
      ] as const)
        if (ast.isStringLiteral(side) && other.kind === 'enum')
          checkLiteralOf(other, side, side.value, report);
      return;
    case '<':
    case '<=':
    case '>':
    case '>=':
      return sameKind(e, ['int', 'flags', 'string', 'duration'], left, right, place);
    case '+':
      return sameKind(e, ['int', 'flags', 'string', 'duration', 'list'], left, right, place);
    default:
      for (const side of [e.left, e.right])
        if (!isComparison(side)) wants(side, INT, `'${e.operator}' needs`, place);
      if (isComparison(e.left) || isComparison(e.right)) report.error(e, 'type', bindsLess(e.operator));
  }
}

/** A comparison that stands beside an operator without brackets: they hardly ever belong together like that. */
function isComparison(e: ast.Expression | undefined): boolean {
  return ast.isBinary(e) && /^([<>]=?|[=!]=)$/.test(e.operator);
}

const bindsLess = (operator: string) =>
  `'${operator}' needs integers, found a comparison: as in C, comparisons bind more tightly, so write (a ${operator} b) == c`;

function sameKind(
  e: ast.Binary,
  kinds: readonly string[],
  left: ValueType,
  right: ValueType,
  { report }: Place,
): void {
  for (const [side, type] of [
    [e.left, left],
    [e.right, right],
  ] as const)
    if (type.kind !== 'any' && !kinds.includes(type.kind)) {
      if (side !== undefined)
        report.error(side, 'type', `'${e.operator}' cannot be used with ${typeInWords(type)}`);
      return;
    }
  if (left.kind !== 'any' && right.kind !== 'any' && common(left, right).kind === 'any')
    report.error(
      e,
      'type',
      `'${e.operator}' cannot be used with ${typeInWords(left)} and ${typeInWords(right)}`,
    );
}

function comparable(a: ValueType, b: ValueType): boolean {
  if ([a.kind, b.kind].some((k) => k === 'any' || k === 'none')) return true;
  const name = (t: ValueType) => t.kind === 'string' || t.kind === 'enum';
  if (name(a) && name(b)) return true;
  if (a.kind === 'struct' && b.kind === 'struct') return a.name === b.name;
  return a.kind === b.kind || (isInteger(a) && isInteger(b));
}
