/** Words one syntax error, and changes the tokens a little so that the parser gets past it. */
import type { IRecognitionException, IToken } from 'chevrotain';
import { nearest } from '../near.js';
import { type Expected, expectedAt, firstKeywords } from './expected.js';
import { type Problem, rangeOfToken, type Tokens } from './tokens.js';

const problemAt = (t: IToken, message: string): Problem => ({ ...rangeOfToken(t), message, code: 'syntax' });

function behind(t: IToken, message: string): Problem {
  const { endLine, endColumn } = rangeOfToken(t);
  return { line: endLine, column: endColumn, endLine, endColumn: endColumn + 1, message, code: 'syntax' };
}

/** Mends one text; remembers what it has tried, so that it always gets on. */
export class Mender {
  private readonly tried = new Map<IToken, number>();

  /** @param whole whether the text is a file, and not an expression or statement that stands alone */
  constructor(
    private readonly tokens: Tokens,
    private readonly whole: boolean,
  ) {}

  /** Says what the error is, and changes the tokens. */
  mend(error: IRecognitionException): Problem {
    const { list } = this.tokens;
    const found = list.indexOf(error.token);
    const at = found < 0 ? list.length : found;
    // Langium marks the names of rules with an invisible character.
    const rules = error.context.ruleStack.map((r) => r.replace(/\W+$/, ''));
    const mismatch = error.name === 'MismatchedTokenException' && error.message !== 'EOF';
    const expected =
      !this.whole && error.name === 'NotAllInputParsedException'
        ? NO_MORE
        : expectedAt({
            rules,
            // The parser is made so that the message of a mismatch is the name of the token that had to come.
            token: mismatch ? this.tokens.type(error.message) : undefined,
            before: list[at - 1]?.image ?? '',
          });
    const misspelt = this.misspeltStatement(at, rules);
    if (misspelt !== undefined) return this.correct(misspelt.at, misspelt.near, 'is not a statement');
    const token = list[at];
    if (token === undefined) return this.atEnd(expected);
    const near = isWord(token) ? nearest(token.image, expected.keywords) : undefined;
    const message = `expected ${expected.words}, found ${shown(token)}`;
    if (near !== undefined) return this.correct(at, near, message);
    const hint = this.hint(at, expected, rules);
    const before = list[at - 1];
    const supposed = this.suppose(at, expected);
    if (!supposed) this.skip(at, rules.length <= 1);
    // What is missing at the end of a line is missing there, and not where the next line begins.
    const ended =
      supposed && expected.missing !== '}' && before !== undefined && before.endLine !== token.startLine;
    return ended ? behind(before, message + hint) : problemAt(token, message + hint);
  }

  private correct(at: number, near: string, message: string): Problem {
    const old = this.tokens.list[at] as IToken;
    this.tokens.retype(at, near);
    const what = message.startsWith('is') ? `'${old.image}' ${message}` : message;
    return problemAt(old, `${what}; did you mean \`${near}\`?`);
  }

  private atEnd(expected: Expected): Problem {
    const { list } = this.tokens;
    const last = list.at(-1);
    const words = expected.missing === '}' ? "'}'" : expected.words;
    const message = `expected ${words}, found the end of the text${this.unclosed(list.length, expected)}`;
    this.tokens.insert(list.length, expected.missing ?? 'ID');
    return last === undefined
      ? { line: 1, column: 1, endLine: 1, endColumn: 1, message, code: 'syntax' }
      : behind(last, message);
  }

  /** A name that begins a line and can only be a misspelt statement: what follows it on the line cannot follow a name. */
  private misspeltStatement(at: number, rules: readonly string[]): { at: number; near: string } | undefined {
    const { list } = this.tokens;
    if (rules.at(-1) !== 'Block') return undefined;
    const line = (list[at] ?? list[at - 1])?.startLine;
    for (let k = at - 1; k >= 0 && list[k]?.startLine === line; k--) {
      const [before, t, after] = [list[k - 1], list[k] as IToken, list[k + 1]];
      const begins = before === undefined || before.startLine !== line || endsStatement(before);
      if (!begins || t.tokenType.name !== 'ID' || (after !== undefined && /^[([.]$|=$/.test(after.image)))
        continue;
      const near = nearest(t.image, firstKeywords('Statement'));
      if (near !== undefined) return { at: k, near };
    }
    return undefined;
  }

  /** Supposes the missing token where that is what is wrong; says whether it did. */
  private suppose(at: number, expected: Expected): boolean {
    const token = this.tokens.list[at] as IToken;
    const tried = this.tried.get(token) ?? 0;
    this.tried.set(token, tried + 1);
    if (expected.missing === undefined) return false;
    if (expected.missing === '}') {
      if (!opensSomething(token)) return false;
    } else if (tried > 1) return false;
    this.tokens.insert(at, expected.missing);
    return true;
  }

  /** Drops what cannot be read: the rest of the line and what it opens; between scenarios all up to the next one. */
  private skip(at: number, betweenScenarios: boolean): void {
    const { list } = this.tokens;
    const declarations = firstKeywords('Declaration');
    let depth = 0;
    let end = at;
    for (; end < list.length; end++) {
      const t = list[end] as IToken;
      const newLine = end > at && t.startLine !== list[end - 1]?.startLine;
      if (betweenScenarios ? newLine && declarations.includes(t.image) : newLine && depth <= 0) break;
      if (t.image === '{') depth++;
      if (t.image === '}' && depth-- <= 0 && !betweenScenarios && end > at) break;
    }
    list.splice(at, Math.max(1, end - at));
  }

  private hint(at: number, expected: Expected, rules: readonly string[]): string {
    const token = this.tokens.list[at] as IToken;
    if (rules.length <= 1 && firstKeywords('Member').includes(token.image))
      return "; it belongs inside a scenario: is there a '}' too many above?";
    return opensSomething(token) ? this.unclosed(at, expected) : '';
  }

  /** Where the bracket stands that is still open, if it is one that is missed. */
  private unclosed(at: number, expected: Expected): string {
    const opening = { '}': '{', ')': '(', ']': '[' }[expected.missing ?? ''];
    if (opening === undefined) return '';
    let depth = 0;
    for (let k = at - 1; k >= 0; k--) {
      const t = this.tokens.list[k] as IToken;
      const image = t.isInsertedInRecovery ? t.tokenType.name : t.image;
      if (image === expected.missing) depth++;
      else if (image === opening && depth-- === 0)
        return `; '${opening}' at ${t.startLine}:${t.startColumn} is not closed`;
    }
    return '';
  }
}

/** Behind an expression that stands alone. */
const NO_MORE: Expected = { words: 'an operator or the end', keywords: [], missing: undefined };
/** Whether a statement can begin behind a token. */
const endsStatement = (t: IToken) =>
  /^[{};)\]]$/.test(t.image) || ['ID', 'INT', 'STRING', 'DURATION', 'ENDPOINT'].includes(t.tokenType.name);
const isWord = (t: IToken) => /^\w+$/.test(t.image);
/** A token as it is written. */
function shown(t: IToken): string {
  const text: string = t.payload ?? t.image;
  if (text.startsWith('"') && text.length < 40) return text;
  return text.length > 40 ? `'${text.slice(0, 40)}...'` : `'${text}'`;
}
const opensSomething = (t: IToken) =>
  [...firstKeywords('Member'), ...firstKeywords('Declaration')].includes(t.image);
