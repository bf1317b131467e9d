/** Texts nested deeper than anybody writes are refused before they exhaust the stack. */
import type { IToken } from 'chevrotain';

/** Brackets inside one another. */
const MOST_BRACKETS = 64;
/** Operators in one expression that hold all that follows: `!`, `-`, `? :`, `=>`, `all x in list :`. */
const MOST_PREFIXES = 200;
/** Operators in one expression. */
const MOST_OPERATORS = 1000;

const PREFIXES = new Set(['!', '~', '-', '?', '=>', 'all', 'any', 'count', 'else']);
const BETWEEN = /^([-+*/%<>&|^]|<<|>>|[<>=!]=|&&|\|\|)$/;
const RESTART = new Set([
  '{',
  ';',
  ',',
  '=',
  'let',
  'assert',
  'wait',
  'print',
  'return',
  'always',
  'reachable',
]);

/** The first token that is nested too deeply, with what to tell about it. */
export function tooDeep(
  tokens: readonly IToken[],
): { readonly at: number; readonly message: string } | undefined {
  let [brackets, prefixes, operators] = [0, 0, 0];
  for (let at = 0; at < tokens.length; at++) {
    const { image } = tokens[at] as IToken;
    if (image === '{' || image === '(' || image === '[') brackets++;
    else if (image === '}' || image === ')' || image === ']') brackets--;
    if (RESTART.has(image)) operators = prefixes = 0;
    if (PREFIXES.has(image)) prefixes++;
    if (BETWEEN.test(image)) operators++;
    if (brackets > MOST_BRACKETS)
      return { at, message: `expected at most ${MOST_BRACKETS} brackets inside one another` };
    if (prefixes > MOST_PREFIXES || operators > MOST_OPERATORS)
      return { at, message: 'expression is too long: expected it in parts, as `let` variables or a `fn`' };
  }
  return undefined;
}
