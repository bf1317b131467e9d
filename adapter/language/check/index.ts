/** Checks of whole files, and of expressions and statements that stand alone. */
import { INT } from '../../machine/index.js';
import * as ast from '../ast.js';
import { type Diagnostic, rangeOf, rangeOfWord } from '../diagnostics.js';
import { type FileInfo, withImports } from '../files.js';
import type { Names } from '../names.js';
import { didYouMean, oneOf } from '../near.js';
import { OUTCOMES } from '../words.js';
import { checkConstants } from './constants.js';
import { checkCondition, checkExpression as checkPart, checkTyped, type Place } from './expressions.js';
import { checkLabels } from './labels.js';
import { Report } from './report.js';
import { checkSchedule } from './schedule.js';
import { checkBody, checkStatement as checkPartStatement } from './statements.js';
import { checkUses } from './use.js';

/** Checks a file, and what it imports. */
export function checkFile(info: FileInfo): Diagnostic[] {
  return withImports(info).flatMap(checkOne);
}

function checkOne(info: FileInfo): Diagnostic[] {
  const report = new Report(info.path);
  const place: Place = { report, context: {}, pure: undefined };
  checkDeclaredOnce(info, report);
  checkConstants(info, place);
  for (const d of info.root.declarations) {
    if (ast.isFn(d)) checkFn(d, place);
    if (ast.isScenario(d)) checkScenario(d, info, place);
  }
  return report.diagnostics;
}

/** Checks an expression of a watch, a condition or a log message: nothing may run in it. */
export function checkExpression(e: ast.Expression, context: Names, file: string): Diagnostic[] {
  const report = new Report(file);
  checkPart(e, { report, context, pure: 'here' });
  return report.diagnostics;
}

/** Checks a statement of the debug console: it may change what it is told to, but start no operation. */
export function checkStatement(s: ast.Statement, context: Names, file: string): Diagnostic[] {
  const report = new Report(file);
  checkPartStatement(s, { report, context, pure: 'here' });
  return report.diagnostics;
}

function checkDeclaredOnce(info: FileInfo, report: Report): void {
  const files = withImports(info);
  const names = new Map<string, { at: ast.AstNode; file: FileInfo }>();
  const titles = new Set<string>();
  for (const file of [...files.slice(1), info])
    for (const d of file.root.declarations) {
      if (ast.isImport(d)) continue;
      if (ast.isScenario(d)) {
        if (file !== info || d.title === undefined) continue;
        if (titles.has(d.title))
          report.error(
            rangeOf(d),
            'duplicate',
            `there are two scenarios "${d.title}": give this one another title`,
          );
        titles.add(d.title);
        continue;
      }
      const first = d.name === undefined ? undefined : names.get(d.name);
      if (first !== undefined && file === info) {
        const where = first.file === info ? `in line ${rangeOf(first.at).line}` : `in ${first.file.path}`;
        report.error(rangeOfWord(d, d.name), 'duplicate', `'${d.name}' is declared already ${where}`);
      }
      names.set(d.name, { at: d, file });
    }
}

function checkFn(fn: ast.Fn, place: Place): void {
  const names = new Set<string>();
  for (const p of fn.parameters) {
    if (names.has(p.name)) place.report.error(p, 'duplicate', `${fn.name} has two parameters '${p.name}'`);
    names.add(p.name);
  }
  checkBody(fn.body, place, true);
  checkLabels(fn.body, place.report);
}

function checkScenario(s: ast.Scenario, info: FileInfo, place: Place): void {
  const { report } = place;
  checkUses(s, info.subsystems, place);
  for (const [is, word] of ONCE)
    for (const extra of s.members.filter((m) => is(m)).slice(1))
      report.error(rangeOfWord(extra, word), 'duplicate', `a scenario has one '${word}': this is another`);
  const threads = s.members.filter(ast.isThread);
  for (const [k, t] of threads.entries())
    if (t.name !== undefined && threads.findIndex((x) => x.name === t.name) < k)
      report.error(
        rangeOfWord(t, t.name),
        'duplicate',
        `there are two threads '${t.name}': give this one another name`,
      );
  if (threads.length === 0 && !s.members.some((m) => ast.isSetup(m) || ast.isFinally(m)))
    report.warning(
      rangeOfWord(s, 'scenario'),
      'scenario',
      'this scenario does nothing: expected a thread or a setup',
    );
  for (const m of s.members) checkMember(m, s, place);
}

/** What a scenario can have once. */
const ONCE: readonly (readonly [(m: unknown) => boolean, string])[] = [
  [ast.isSetup, 'setup'],
  [ast.isSchedule, 'schedule'],
  [ast.isFinally, 'finally'],
  [ast.isExpect, 'expect'],
];

function checkMember(m: ast.Member, scenario: ast.Scenario, place: Place): void {
  switch (m.$type) {
    case 'Setup':
    case 'Finally':
      checkBody(m.body, place);
      return checkLabels(m.body, place.report);
    case 'Thread':
      return checkThread(m, place);
    case 'Schedule':
      return checkSchedule(m, scenario, place);
    case 'Always': {
      const pure = { ...place, pure: "in 'always'" };
      if (m.when !== undefined) checkCondition(m.when, "after 'when'", pure);
      return checkCondition(m.condition, "in 'always'", pure);
    }
    case 'Reachable':
      return checkCondition(m.condition, "in 'reachable'", { ...place, pure: "in 'reachable'" });
    case 'Expect':
      return checkExpect(m, place.report);
  }
}

function checkThread(t: ast.Thread, place: Place): void {
  const { report } = place;
  const f = t.family;
  if (f !== undefined) {
    if (f.name !== undefined && f.variable !== undefined && f.name !== f.variable)
      report.error(
        rangeOfWord(f, f.variable, true),
        'unknown-name',
        `expected '${f.name}', as in ${t.name}[${f.name}], found '${f.variable}'`,
      );
    const pure = { ...place, pure: 'in the range of a family' };
    checkTyped(f.from, INT, 'the start of a range must be', pure);
    checkTyped(f.to, INT, 'the end of a range must be', pure);
  }
  checkTyped(t.cpu, INT, 'the number of a cpu must be', { ...place, pure: "after 'on cpu'" });
  checkBody(t.body, place);
  checkLabels(t.body, report);
}

function checkExpect(e: ast.Expect, report: Report): void {
  if (e.outcome === undefined) return;
  const known = Object.keys(OUTCOMES);
  if (!known.includes(e.outcome))
    report.error(
      rangeOfWord(e, e.outcome),
      'scenario',
      `unknown outcome '${e.outcome}': expected ${oneOf(known)}${didYouMean(e.outcome, known)}`,
    );
  else if (e.text !== undefined && e.outcome !== 'violation')
    report.error(e, 'scenario', `only 'violation' takes a text: write expect ${e.outcome}`);
}
