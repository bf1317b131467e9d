/** Checks `use`: the subsystem, its options, its profile and switches, and the invariants to check. */
import type { Option, Subsystem } from '../../emulator/subsystem.js';
import { INT } from '../../machine/index.js';
import * as ast from '../ast.js';
import { rangeOfWord } from '../diagnostics.js';
import { fileOf, withImports } from '../files.js';
import { didYouMean, oneOf } from '../near.js';
import { USE_WORDS } from '../words.js';
import { checkTyped, type Place } from './expressions.js';

/** The word that a value of `use` is, as written: `pre-fpf`, `off`, `none`, `4`. Undefined for lists and expressions. */
export function wordOf(value: ast.UseValue | undefined): string | undefined {
  switch (value?.$type) {
    case 'UseWord':
      return value.text;
    case 'StringLiteral':
      return value.value;
    case 'BoolLiteral':
      return String(value.value);
    case 'NoneLiteral':
      return 'none';
    case 'UseNumber':
      return value.$cstNode?.text;
    default:
      return undefined;
  }
}

/** An invariant's name as it is compared: `INV-T3` and `INV_T3` are the same. */
export const plainInvariant = (name: string) => name.replaceAll('-', '_').toUpperCase();

/** Checks all `use`s of a scenario. */
export function checkUses(scenario: ast.Scenario, available: readonly Subsystem[], place: Place): void {
  const { report } = place;
  const uses = scenario.members.filter(ast.isUse);
  const names = available.map((s) => s.name);
  const seen = new Set<string>();
  for (const u of uses) {
    if (u.subsystem === undefined) continue;
    const subsystem = available.find((s) => s.name === u.subsystem);
    const at = rangeOfWord(u, u.subsystem);
    if (subsystem === undefined)
      report.error(
        at,
        'use',
        `unknown subsystem '${u.subsystem}': expected ${oneOf(names)}${didYouMean(u.subsystem, names)}`,
      );
    else if (seen.has(u.subsystem))
      report.error(at, 'duplicate', `'${u.subsystem}' is used twice: put all its options into one use`);
    else checkEntries(u, subsystem, place);
    seen.add(u.subsystem);
  }
}

function checkEntries(use: ast.Use, subsystem: Subsystem, place: Place): void {
  const { report } = place;
  const seen = new Set<string>();
  for (const e of use.entries) {
    if (e.key === undefined) continue;
    if (seen.has(e.key)) report.error(e, 'duplicate', `'${e.key}' is given twice`);
    seen.add(e.key);
    checkEntry(e, subsystem, place);
  }
}

function checkEntry(e: ast.UseEntry, subsystem: Subsystem, place: Place): void {
  const option = subsystem.options.find((o) => o.name === e.key);
  if (option !== undefined) return checkOption(e, option, place);
  if (e.key === 'profile')
    return checkWord(
      e,
      subsystem.profiles.map((p) => p.name),
      'profile',
      place,
    );
  if (e.key === 'invariants') return checkInvariants(e, subsystem, place);
  const s = subsystem.switches.find((x) => x.name === e.key);
  if (s !== undefined) return checkWord(e, s.values, `value of '${s.name}'`, place);
  const keys = [...subsystem.options, ...subsystem.switches].map((k) => k.name);
  const hint = didYouMean(e.key, [...keys, ...Object.keys(USE_WORDS)]);
  place.report.error(rangeOfWord(e, e.key), 'use', `${subsystem.name} has no option '${e.key}'${hint}`);
}

function checkWord(e: ast.UseEntry, words: readonly string[], what: string, { report }: Place): void {
  if (e.value === undefined) return;
  const word = wordOf(e.value);
  if (word !== undefined && words.includes(word)) return;
  const found = word === undefined ? `expected a ${what}` : `unknown ${what} '${word}'`;
  report.error(
    e.value,
    'use',
    `${found}: expected ${oneOf(words)}${word === undefined ? '' : didYouMean(word, words)}`,
  );
}

function checkOption(e: ast.UseEntry, option: Option, place: Place): void {
  const { value } = e;
  if (value === undefined) return;
  if (option.type.kind === 'choice') return checkWord(e, option.type.of, `value of '${option.name}'`, place);
  const wrong = (expected: string) =>
    place.report.error(value, 'use', `'${option.name}' must be ${expected}`);
  if (option.type.kind === 'bool') {
    if (!ast.isBoolLiteral(value)) wrong('true or false');
    return;
  }
  const expected = option.type.kind === 'size' ? 'a size, such as 64M' : 'an integer, such as 2';
  if (ast.isUseParen(value))
    return checkTyped(value.expression, INT, `'${option.name}' must be`, { ...place, pure: "in 'use'" });
  if (ast.isUseWord(value)) return checkConstant(value, option.name, expected, place);
  if (!ast.isUseNumber(value) || !ast.isIntLiteral(value.literal)) wrong(expected);
}

/** The constants and parameters that a file knows. */
function constantsFor(node: ast.AstNode): (ast.Const | ast.Param)[] {
  const info = fileOf(node);
  const declarations = info === undefined ? [] : withImports(info).flatMap((f) => f.root.declarations);
  return declarations.filter((d) => ast.isConst(d) || ast.isParam(d));
}

/** The `const` or `param` that a word stands for: only where the option is a number. */
export function constantOf(value: ast.UseWord): ast.Const | ast.Param | undefined {
  const entry = ast.enclosing(value, ast.isUseEntry);
  const subsystem = fileOf(value)?.subsystems.find((s) => s.name === entry?.$container.subsystem);
  const kind = subsystem?.options.find((o) => o.name === entry?.key)?.type.kind;
  if (kind !== 'int' && kind !== 'size') return undefined;
  return constantsFor(value).find((d) => d.name === value.text);
}

function checkConstant(value: ast.UseWord, option: string, expected: string, { report }: Place): void {
  if (constantOf(value) !== undefined) return;
  const hint = value.text.includes('-')
    ? `; write (${value.text.replaceAll('-', ' - ')}) for a difference`
    : didYouMean(
        value.text,
        constantsFor(value).map((d) => d.name),
      );
  report.error(
    value,
    'use',
    `'${option}' must be ${expected}, or the name of a const or param, found '${value.text}'${hint}`,
  );
}

function checkInvariants(e: ast.UseEntry, subsystem: Subsystem, place: Place): void {
  const { value } = e;
  const names = subsystem.invariants.map((i) => i.name);
  if (value === undefined || ast.isNoneLiteral(value)) return;
  const items = ast.isUseList(value) ? value.items : [value];
  for (const item of items) {
    const word = wordOf(item);
    if (
      word !== undefined &&
      (names.some((n) => plainInvariant(n) === plainInvariant(word)) || (word === 'all' && item === value))
    )
      continue;
    if (word === undefined)
      place.report.error(item, 'use', 'expected none, all, or a list of invariants such as [INV_T3]');
    else
      place.report.error(
        item,
        'use',
        `${subsystem.name} has no invariant '${word}'${didYouMean(
          word,
          names.map((n) => n.replaceAll('-', '_')),
        )}`,
      );
  }
}
