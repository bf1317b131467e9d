/** Tokens of a text: what is wrong with them is said here, once, and mended so that the parser need not stumble over it. */
import type { IToken, TokenType } from 'chevrotain';
import { DefaultLexer, type LexerResult } from 'langium';
import type { Range } from '../diagnostics.js';
import { badEscape, endpointOf, isClosed } from '../literals.js';

/** Something wrong in a text, before anybody asks which file it is. */
export interface Problem extends Range {
  readonly message: string;
  readonly code: string;
}

/** A comment, with its place in the text. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where a token stands. */
export function rangeOfToken(t: IToken): Range {
  return {
    line: t.startLine as number,
    column: t.startColumn as number,
    endLine: t.endLine as number,
    endColumn: (t.endColumn as number) + 1,
  };
}

/** The lexer. `read` a text first; the parser then gets `list`, which may be changed between two parses of it. */
export class Tokens extends DefaultLexer {
  list: IToken[] = [];
  comments: Comment[] = [];
  problems: Problem[] = [];

  override tokenize(_text: string): LexerResult {
    return { tokens: this.list, hidden: [], errors: [] };
  }

  /** Reads a text into tokens, comments and lexical problems. */
  read(text: string): void {
    const result = this.chevrotainLexer.tokenize(text);
    this.list = result.tokens;
    this.problems = [];
    this.comments = (result.groups['hidden'] ?? []).map((t) => ({
      start: t.startOffset,
      end: t.startOffset + t.image.length,
      text: t.image,
    }));
    for (const t of result.groups['hidden'] ?? [])
      if (t.image.startsWith('/*') && !(t.image.length > 3 && t.image.endsWith('*/')))
        this.report(t.startLine, t.startColumn, 2, "comment is not closed: expected '*/'");
    for (const t of this.list) this.check(t);
    this.mend(text, result.errors);
  }

  /** The token type of a keyword or terminal. Throws for a name that is neither. */
  type(name: string): TokenType {
    const type = this.definition[name];
    if (type === undefined) throw new Error(`the grammar has no token '${name}'`);
    return type;
  }

  /** Takes a word for a keyword; its `payload` is what is written. */
  retype(at: number, type: string): void {
    const old = this.list[at] as IToken;
    const tokenType = this.type(type);
    this.list[at] = {
      ...old,
      image: type,
      payload: old.image,
      tokenType,
      tokenTypeIdx: tokenType.tokenTypeIdx as number,
    };
  }

  /** Puts a token that the text lacks before position `at`. Punctuation leaves no trace in the tree, a name is `MISSING`. */
  insert(at: number, type: string): void {
    const tokenType = this.type(type);
    const before = (this.list[at - 1] ?? this.list[at] ?? START) as IToken;
    const startOffset = (before.endOffset as number) + 1;
    const image = STAND_IN[type];
    this.list.splice(at, 0, {
      ...before,
      image: image ?? '',
      startOffset: image === undefined ? before.startOffset : startOffset,
      tokenType,
      tokenTypeIdx: tokenType.tokenTypeIdx as number,
      isInsertedInRecovery: image === undefined,
    });
  }

  private check(t: IToken): void {
    if (t.tokenType.name === 'STRING') {
      if (!isClosed(t.image))
        this.report(
          t.startLine,
          t.startColumn,
          1,
          `string is not closed: expected '"' before the end of the line`,
        );
      const bad = badEscape(t.image);
      if (bad !== undefined)
        this.report(
          t.startLine,
          (t.startColumn as number) + bad.at,
          bad.escape.length,
          `'${bad.escape}' is not an escape: expected \\n, \\t, \\", \\\\ or \\xNN`,
        );
    } else if (t.tokenType.name === 'ENDPOINT') {
      const endpoint = endpointOf(t.image);
      if ('error' in endpoint) this.report(t.startLine, t.startColumn, t.image.length, endpoint.error);
    } else if (t.tokenType.name === 'INT' && t.image.length > MOST_DIGITS) {
      this.report(
        t.startLine,
        t.startColumn,
        t.image.length,
        `number of ${t.image.length} digits: expected at most ${MOST_DIGITS}`,
      );
      Object.assign(t, { image: '0' });
    }
  }

  /** Reports characters that begin no token, and puts something harmless in the place of what was probably meant. */
  private mend(
    text: string,
    errors: readonly { offset: number; line?: number; column?: number; length: number }[],
  ): void {
    let end = 0;
    for (const { offset, line, column, length } of errors) {
      if (offset < end) continue;
      const { covers, message, becomes } = stray(text, offset, length);
      end = offset + covers;
      this.report(line, column, covers, message);
      if (this.problems.length >= MOST_PROBLEMS) return;
      const [from, to] = [this.indexAt(offset), this.indexAt(end)];
      const tokenType = this.type(becomes ?? 'ID');
      const place = {
        startLine: line ?? 1,
        startColumn: column ?? 1,
        endLine: line ?? 1,
        endColumn: (column ?? 1) + covers - 1,
      };
      const token = {
        image: STAND_IN[becomes ?? 'ID'] ?? MISSING,
        startOffset: offset,
        endOffset: end - 1,
        ...place,
        tokenType,
      };
      const stand: IToken[] =
        becomes === undefined ? [] : [{ ...token, tokenTypeIdx: tokenType.tokenTypeIdx as number }];
      this.list.splice(from, to - from, ...stand);
    }
  }

  /** Position in the list of the first token at or behind an offset. */
  private indexAt(offset: number): number {
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as IToken).startOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private report(line = 1, column = 1, length = 1, message = ''): void {
    this.problems.push({ line, column, endLine: line, endColumn: column + length, message, code: 'syntax' });
  }
}

/** More than these are not read: a machine word has 20 decimal digits and 64 binary ones. */
const MOST_DIGITS = 100;
/** So many lexical problems are shown; the file is not a scenario when there are more. */
const MOST_PROBLEMS = 50;
/** The name that is put where a name is missing; nobody can write it. */
export const MISSING = '?';
const STAND_IN: Readonly<Record<string, string>> = { INT: '0', STRING: '""', ID: MISSING };
const START = { startOffset: 0, endOffset: -1, startLine: 1, startColumn: 1, endLine: 1, endColumn: 0 };

interface Stray {
  readonly covers: number;
  readonly message: string;
  readonly becomes?: string;
}

/** Says what the characters at `offset` probably mean. `covers` is how many of them. */
function stray(text: string, offset: number, length: number): Stray {
  const rest = text.slice(offset, offset + 200);
  const number = /^[0-9][0-9A-Za-z_]*(\.[0-9]+)?/.exec(rest)?.[0];
  if (number !== undefined) {
    const expected = 'expected an integer (12, 0x1f, 0b101, 64M) or a duration (200ms, 3s, 5ticks)';
    return { covers: number.length, message: `'${number}' is not a number: ${expected}`, becomes: 'INT' };
  }
  const quoted = /^(['`]|[\u2018-\u201f])[^\r\n'`"\u2018-\u201f]*['`\u2018-\u201f]?/.exec(rest)?.[0];
  if (quoted !== undefined)
    return {
      covers: quoted.length,
      message: `expected a string in straight double quotes, found ${quoted[0]}`,
      becomes: 'STRING',
    };
  const character = String.fromCodePoint(rest.codePointAt(0) as number);
  const shown = /[\p{C}\p{Z}]/u.test(character)
    ? `character U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`
    : `character '${character}'`;
  return { covers: Math.max(1, length), message: `unexpected ${shown}` };
}
