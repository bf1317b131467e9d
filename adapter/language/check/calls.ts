/** Checks calls: what is called, whether it may be called there, and its arguments. */
import { ANY, type ValueType } from '../../machine/index.js';
import * as ast from '../ast.js';
import { rangeOfWord } from '../diagnostics.js';
import { didYouMean } from '../near.js';
import { calleeOf, membersOf, operationsOn, type SymbolOf, visibleNames } from '../symbols.js';
import { typeOf } from '../types.js';
import { checkLiteralOf } from './enums.js';
import { canTell, checkExpression, type Place } from './expressions.js';
import { fits, typeInWords } from './report.js';
import { takesSteps } from './steps.js';

/** A parameter, as far as the checks care. */
interface Wanted {
  readonly name: string;
  readonly type: ValueType;
  readonly optional: boolean;
}

/** Checks a call with all its parts. */
export function checkCall(e: ast.Call, place: Place): void {
  const { report, context, pure } = place;
  if (ast.isField(e.callee)) checkExpression(e.callee.receiver, place);
  else if (!ast.isNameExpr(e.callee)) {
    checkExpression(e.callee, place);
    report.error(e.callee, 'unknown-operation', 'only functions and operations can be called');
  }
  for (const a of e.args) checkExpression(a.value, place);
  const callee = calleeOf(e, context);
  if (callee === undefined) return unknownCallee(e, place);
  const wanted = parametersOf(callee);
  if (wanted === undefined)
    return report.error(e.callee, 'unknown-operation', `'${callee.name}' cannot be called`);
  if (pure !== undefined && takesSteps(callee)) {
    const what =
      callee.kind === 'fn' ? `'${callee.name}' calls operations` : `'${callee.name}' is an operation`;
    report.error(
      nameOfCallee(e.callee),
      'takes-steps',
      `${what}, which take steps: they cannot be called ${pure}`,
    );
  }
  if (callee.kind === 'operation' && callee.all.length > 1) return;
  checkArguments(e, callee.name, wanted, place);
}

function nameOfCallee(callee: ast.Expression) {
  return ast.isField(callee) ? rangeOfWord(callee, callee.name, true) : callee;
}

function parametersOf(s: SymbolOf): readonly Wanted[] | undefined {
  if (s.kind === 'fn') return s.node.parameters.map((p) => ({ name: p.name, type: ANY, optional: false }));
  const params =
    s.kind === 'query' ? s.query.params : s.kind === 'operation' ? s.operation.params : undefined;
  return params?.map((p) => ({ name: p.name, type: p.type, optional: 'default' in p }));
}

function checkArguments(
  e: ast.Call,
  name: string,
  wanted: readonly Wanted[],
  { report, context }: Place,
): void {
  const given = new Map<string, ast.Argument>();
  let named = false;
  for (const [k, a] of e.args.entries()) {
    if (a.name === undefined && named)
      report.error(
        a,
        'argument',
        `argument ${k + 1} of ${name} has no name: after a named argument all need one`,
      );
    named ||= a.name !== undefined;
    const w = a.name === undefined ? wanted[k] : wanted.find((x) => x.name === a.name);
    if (w === undefined) {
      if (a.name !== undefined)
        report.error(
          a,
          'argument',
          `${name} has no parameter '${a.name}'${didYouMean(
            a.name,
            wanted.map((x) => x.name),
          )}`,
        );
      else if (k === wanted.length)
        report.error(a, 'argument', `${name} takes ${count(wanted)}, found ${e.args.length}`);
      continue;
    }
    if (given.has(w.name)) report.error(a, 'argument', `'${w.name}' of ${name} is given twice`);
    given.set(w.name, a);
    if (w.type.kind === 'enum' && ast.isStringLiteral(a.value))
      checkLiteralOf(w.type, a.value, a.value.value, report);
    const actual = typeOf(a.value, context);
    if (!fits(w.type, actual))
      report.error(
        a.value,
        'argument',
        `'${w.name}' of ${name} must be ${typeInWords(w.type)}, found ${typeInWords(actual)}`,
      );
  }
  const missing = wanted.filter((w) => !w.optional && !given.has(w.name)).map((w) => `'${w.name}'`);
  if (missing.length > 0)
    report.error(nameOfCallee(e.callee), 'argument', `${name} needs ${missing.join(', ')}`);
}

function count(wanted: readonly Wanted[]): string {
  if (wanted.length === 0) return 'no arguments';
  const least = wanted.filter((w) => !w.optional).length;
  const range = least === wanted.length ? `${least}` : `${least} to ${wanted.length}`;
  return `${range} argument${range === '1' ? '' : 's'}`;
}

function unknownCallee(e: ast.Call, place: Place): void {
  const { report, context } = place;
  if (!canTell(e, place)) return;
  const { callee } = e;
  if (ast.isNameExpr(callee) && callee.name !== undefined) {
    const receiver = operationsOn(e, context).find((o) => o.name === callee.name);
    const known = visibleNames(callee, context).filter((s) => s.kind === 'fn' || s.kind === 'query');
    const hint =
      receiver === undefined
        ? didYouMean(
            callee.name,
            known.map((s) => s.name),
          )
        : `; it is an operation of ${receiver.on}: write it behind one, with a dot`;
    report.error(callee, 'unknown-operation', `unknown function '${callee.name}'${hint}`);
  } else if (ast.isField(callee) && callee.name !== undefined) {
    const type = typeOf(callee.receiver, context);
    const operations = operationsOn(callee.receiver, context);
    if (type.kind === 'any' && operations.length === 0 && operationsOn(e, context).length === 0) return;
    const field = membersOf(callee.receiver, context)?.has(callee.name) === true;
    const hint = field
      ? '; it is a field: write it without brackets'
      : didYouMean(callee.name, new Set(operations.map((o) => o.name)));
    const of = type.kind === 'any' ? '' : ` of ${typeInWords(type)}`;
    report.error(nameOfCallee(callee), 'unknown-operation', `unknown operation '${callee.name}'${of}${hint}`);
  }
}
