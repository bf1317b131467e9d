/**
 * Parses a text and says what is wrong with it. The first syntax error is reported, mended (a misspelt keyword is taken for
 * the right one, a missing token is supposed, what cannot be read is skipped) and the parse is repeated: so several mistakes
 * are found, and none of them only follows from another.
 */
import type { IToken } from 'chevrotain';
import type { AstNode } from 'langium';
import { tooDeep } from './limits.js';
import { Mender } from './mend.js';
import { discardParser, parserOf } from './services.js';
import { type Comment, type Problem, rangeOfToken } from './tokens.js';

/** A tree, perhaps with holes, and what is wrong with its text. */
export interface Parsed<T extends AstNode> {
  readonly root: T;
  readonly problems: readonly Problem[];
  readonly comments: readonly Comment[];
  /** The tokens as they were read in the end: with those that were supposed, without those that were skipped. */
  readonly tokens: readonly IToken[];
}

/** Syntax errors shown of one file. */
const MOST_ERRORS = 12;
/** Parses of one text. */
const MOST_ROUNDS = 25;
/** No scenario is longer; a text that is, is something else. */
const MOST_CHARACTERS = 2_000_000;

/**
 * Parses `text` from a rule of the grammar (the whole file where none is given). Never throws: what is not a scenario gives
 * problems and a tree with holes.
 */
export function parse<T extends AstNode>(text: string, rule?: string): Parsed<T> {
  if (text.length > MOST_CHARACTERS)
    return refused(`file of ${text.length} characters: expected at most ${MOST_CHARACTERS}`, rule);
  try {
    return parseAll<T>(text, rule);
  } catch (e) {
    discardParser();
    return refused(e instanceof RangeError ? 'nested too deeply' : 'the parser cannot read this', rule);
  }
}

function refused<T extends AstNode>(message: string, rule: string | undefined): Parsed<T> {
  const problem = { line: 1, column: 1, endLine: 1, endColumn: 2, message, code: 'syntax' };
  return { ...parseAll<T>('', rule), problems: [problem] };
}

function parseAll<T extends AstNode>(text: string, rule: string | undefined): Parsed<T> {
  const { parser, tokens } = parserOf();
  tokens.read(text);
  const problems = [...tokens.problems];
  const deep = tooDeep(tokens.list);
  if (deep !== undefined) {
    problems.push({ ...rangeOfToken(tokens.list[deep.at] as IToken), message: deep.message, code: 'syntax' });
    tokens.list.length = deep.at;
  }
  const lines = new Set(problems.map((p) => p.line));
  const mender = new Mender(tokens, rule === undefined);
  for (let round = 1; ; round++) {
    const { value, parserErrors } = parser.parse(text, rule === undefined ? {} : { rule });
    const error = deep === undefined ? parserErrors[0] : undefined;
    if (error === undefined || round === MOST_ROUNDS)
      return { root: value as unknown as T, problems, comments: tokens.comments, tokens: tokens.list };
    const problem = mender.mend(error);
    if (!lines.has(problem.line) && lines.size < MOST_ERRORS) problems.push(problem);
    lines.add(problem.line);
  }
}
