/** Checks names and strings that stand for a value of an enum. */
import type { ValueType } from '../../machine/index.js';
import type { AstNode } from '../ast.js';
import { didYouMean } from '../near.js';
import type { Report } from './report.js';

/** Reports a word that is not among the values of an enum. */
export function checkLiteralOf(
  type: ValueType & { kind: 'enum' },
  at: AstNode,
  word: string,
  report: Report,
): void {
  if (type.names.includes(word)) return;
  const hint = didYouMean(word, type.names);
  const few = type.names.length <= 8 ? `: expected ${type.names.join(', ')}` : '';
  report.error(at, 'unknown-name', `'${word}' is not a value of this field${few}${hint}`);
}
