/** Checks statements and blocks. */
import { INT, type ValueType } from '../../machine/index.js';
import * as ast from '../ast.js';
import { rangeOfWord } from '../diagnostics.js';
import { nearest } from '../near.js';
import { firstKeywords } from '../parser/expected.js';
import { membersOf, symbolOf, threadOf, typeOf } from '../types.js';
import { checkCondition, checkExpression, checkIterable, checkTyped, type Place } from './expressions.js';
import { fits, typeInWords } from './report.js';

/** What surrounds a statement. */
interface Around {
  readonly loop: boolean;
  readonly fn: boolean;
}

/** Checks the body of a part of a scenario or of a function. */
export function checkBody(body: ast.Block | undefined, place: Place, fn = false): void {
  checkBlock(body, place, { loop: false, fn });
}

function checkBlock(block: ast.Block | undefined, place: Place, around: Around): void {
  const names = new Map<string, ast.Let>();
  let over: ast.Statement | undefined;
  for (const s of block?.statements ?? []) {
    if (over !== undefined && !ast.isLabel(s)) {
      const word = over.$type.toLowerCase();
      place.report.warning(s, 'unreachable', `this is never reached: '${word}' comes before it`);
      over = undefined;
    }
    if (ast.isReturn(s) || ast.isBreak(s) || ast.isContinue(s)) over = s;
    if (ast.isLet(s) && s.name !== undefined) {
      const first = names.get(s.name);
      if (first !== undefined)
        place.report.error(
          rangeOfWord(s, s.name),
          'duplicate',
          `'${s.name}' is declared already in line ${lineOf(first)}: assign to it without 'let', or use another name`,
        );
      names.set(s.name, first ?? s);
    }
    checkStatement(s, place, around);
  }
}

const lineOf = (n: ast.AstNode) => (n.$cstNode?.range.start.line ?? 0) + 1;

/** Checks one statement with all its parts. */
export function checkStatement(
  s: ast.Statement,
  place: Place,
  around: Around = { loop: false, fn: false },
): void {
  const { report } = place;
  const inside = { ...around, loop: true };
  switch (s.$type) {
    case 'Let':
      return checkExpression(s.value, place);
    case 'Action':
      return checkAction(s, place);
    case 'If':
      checkCondition(s.condition, "after 'if'", place);
      checkBlock(s.then, place, around);
      return ast.isIf(s.otherwise)
        ? checkStatement(s.otherwise, place, around)
        : checkBlock(s.otherwise, place, around);
    case 'While':
      checkCondition(s.condition, "after 'while'", place);
      return checkBlock(s.body, place, inside);
    case 'For':
      if (s.range === undefined) {
        checkExpression(s.from, place);
        checkIterable(s.from, place);
      } else {
        checkTyped(s.from, INT, 'the start of a range must be', place);
        checkTyped(s.to, INT, 'the end of a range must be', place);
      }
      return checkBlock(s.body, place, inside);
    case 'Repeat':
      checkTyped(s.count, INT, "expected after 'repeat'", place);
      return checkBlock(s.body, place, inside);
    case 'Break':
    case 'Continue':
      if (!around.loop)
        report.error(
          s,
          'statement',
          `'${s.$type.toLowerCase()}' outside a loop: expected it inside while, for or repeat`,
        );
      return;
    case 'Return':
      if (!around.fn)
        report.error(
          rangeOfWord(s, 'return'),
          'statement',
          "'return' outside a function: expected it inside fn",
        );
      return checkExpression(s.value, place);
    case 'Assert':
      checkCondition(s.condition, "after 'assert'", place);
      return checkExpression(s.message, { ...place, pure: 'in the message of an assert' });
    case 'Wait':
      return checkCondition(s.condition, "after 'wait'", { ...place, pure: "in 'wait'" });
    case 'Print':
      for (const v of s.values) checkExpression(v, place);
  }
}

function checkAction(s: ast.Action, place: Place): void {
  const { report } = place;
  if (s.target === undefined) return;
  if (s.operator !== undefined) return checkAssignment(s, place);
  if (ast.isCall(s.target)) return checkExpression(s.target, place);
  const word = ast.isNameExpr(s.target) ? s.target.name : undefined;
  const near = word === undefined ? undefined : nearest(word, firstKeywords('Statement'));
  if (near !== undefined)
    report.error(s, 'syntax', `'${word}' is not a statement; did you mean \`${near}\`?`);
  else {
    checkExpression(s.target, place);
    report.error(s, 'statement', 'this does nothing: expected a call or an assignment');
  }
}

function checkAssignment(s: ast.Action, place: Place): void {
  const { report, context } = place;
  checkExpression(s.value, place);
  const refusal = notAssignable(s.target, place);
  if (refusal !== undefined) report.error(s.target, 'assignment', refusal);
  checkTarget(s.target, place);
  if (refusal !== undefined || s.value === undefined) return;
  const [wanted, actual] = [typeOf(s.target, context), typeOf(s.value, context)];
  if (s.operator !== '=' && s.operator !== '+=') checkTyped(s.target, INT, `'${s.operator}' needs`, place);
  if (!fits(wanted, actual) && !(actual.kind === 'none' && ast.isNameExpr(s.target)))
    report.error(s.value, 'type', `expected ${typeInWords(wanted)}, found ${typeInWords(actual)}`);
}

function checkTarget(target: ast.Expression, place: Place): void {
  if (!ast.isNameExpr(target) || symbolOf(target, place.context) === undefined)
    checkExpression(target, place);
}

/** Why something cannot be assigned to; undefined when it can. */
function notAssignable(target: ast.Expression, { context }: Place): string | undefined {
  if (ast.isNameExpr(target)) {
    const s = symbolOf(target, context);
    if (s === undefined) return undefined;
    if (s.kind === 'variable') return notAssignableVariable(s, target);
    const what = {
      const: 'a const',
      param: 'a param: set it with --set',
      fn: 'a function',
      thread: 'a thread',
      global: 'a name of the subsystem',
      query: 'a function',
      event: 'part of an event',
      constant: 'a constant',
      operation: 'an operation',
    }[s.kind];
    return `'${s.name}' cannot be assigned to: it is ${what}`;
  }
  if (ast.isField(target)) {
    const thread = threadOf(target.receiver, context);
    if (thread !== undefined)
      return `variables of thread '${thread.name}' can only be read from outside of it`;
    const member = membersOf(target.receiver, context)?.get(target.name);
    if (member?.kind === 'field' && !member.field.readonly) return undefined;
    return member === undefined ? undefined : `'${target.name}' is read-only`;
  }
  if (ast.isIndex(target)) return notAssignableElement(typeOf(target.receiver, context), target.receiver);
  return 'this cannot be assigned to: expected a variable, a field or an element';
}

function notAssignableVariable(
  s: { name: string; node: ast.AstNode; owner: ast.AstNode | undefined },
  at: ast.AstNode,
): string | undefined {
  if (ast.isQuantifier(s.node) || ast.isFamily(s.node)) return `'${s.name}' cannot be assigned to: it counts`;
  const inside =
    s.owner === undefined || ast.enclosing(at, (n): n is ast.AstNode => n === s.owner) !== undefined;
  if (ast.isThread(s.owner) && !inside && ast.enclosing(at, ast.isScenario) !== undefined)
    return `variables of thread '${s.owner.name}' can only be read from outside of it`;
  return undefined;
}

function notAssignableElement(type: ValueType, receiver: ast.Expression): string | undefined {
  if (type.kind === 'string') return 'the characters of a string cannot be set';
  if (ast.isListLiteral(receiver)) return 'a list cannot be changed: make a new one';
  return undefined;
}
