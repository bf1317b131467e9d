/**
 * Where the cursor stands, found from the tokens before it: while somebody types, the text is rarely whole, but what comes
 * before the cursor says what may come next.
 */
import type { IToken } from 'chevrotain';
import { firstKeywords } from '../parser/expected.js';
import { parserOf } from '../parser/services.js';

/** What is typed at the cursor. */
export type Cursor =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'file' }
  | { readonly kind: 'scenario'; readonly also: 'expression' | undefined }
  | { readonly kind: 'subsystem' | 'policy' | 'outcome' | 'cpu' }
  | { readonly kind: 'option'; readonly subsystem: string; readonly given: readonly string[] }
  | { readonly kind: 'option value'; readonly subsystem: string; readonly option: string }
  | { readonly kind: 'directive'; readonly after: readonly string[] }
  | { readonly kind: 'member'; readonly receiver: string }
  | { readonly kind: 'statement' }
  | { readonly kind: 'expression'; readonly call: OpenCall | undefined };

/** The innermost call whose bracket is open. */
export interface OpenCall {
  /** Text of what is called: `vcpu[0].write`. */
  readonly callee: string;
  /** How many commas stand before the cursor. */
  readonly argument: number;
  /** Names of the arguments given by name. */
  readonly named: readonly string[];
}

interface Opened {
  readonly bracket: string;
  /** Position of the bracket among the tokens. */
  readonly at: number;
  /** The keyword that a `{` belongs to. */
  readonly keyword: string;
}

/** Finds out what is typed at the end of `text`, which is a file up to the cursor. */
export function cursorIn(text: string): Cursor {
  const tokens = tokensOf(text);
  if (tokens === undefined) return { kind: 'nothing' };
  const line = lineOfEnd(text);
  const opened = bracketsOf(tokens);
  const inner = opened.at(-1);
  const block = opened.findLast((o) => o.bracket === '{');
  const last = tokens.at(-1);
  const image = last?.image ?? '';
  if (image === '.') return { kind: 'member', receiver: receiverBefore(text, tokens, tokens.length - 1) };
  if (block === undefined) return outside(tokens);
  const onLine = tokens.slice(block.at + 1).filter((t) => t.startLine === line);
  switch (block.keyword) {
    case 'scenario':
      return inScenario(tokens, block, inner, onLine.length === 0);
    case 'use':
      return inUse(tokens, block);
    case 'schedule':
      return inSchedule(tokens, block, inner);
    default: {
      if (image === 'let' || image === 'label' || /^"/.test(image)) return { kind: 'nothing' };
      const begins =
        inner === block &&
        (onLine.length === 0 || /^[{};]$/.test(image) || (image === ':' && isLabel(tokens)));
      return begins ? { kind: 'statement' } : { kind: 'expression', call: callOf(text, tokens, opened) };
    }
  }
}

/** The innermost call that is open at the end of `text`. */
export function openCall(text: string): OpenCall | undefined {
  const tokens = tokensOf(text, false);
  return tokens === undefined ? undefined : callOf(text, tokens, bracketsOf(tokens));
}

/** The tokens before the word that is being typed; undefined inside a string or comment. */
function tokensOf(text: string, withoutWord = true): IToken[] | undefined {
  const { tokens } = parserOf();
  tokens.read(text);
  const comment = tokens.comments.at(-1);
  if (comment?.end === text.length && (comment.text.startsWith('//') || !comment.text.endsWith('*/')))
    return undefined;
  const list = [...tokens.list];
  const last = list.at(-1);
  if (last?.tokenType.name === 'STRING' && tokens.problems.length > 0 && last.endOffset === text.length - 1)
    return undefined;
  if (withoutWord && last !== undefined && last.endOffset === text.length - 1 && /^\w+$/.test(last.image))
    list.pop();
  return list;
}

const lineOfEnd = (text: string) => text.split('\n').length;

const STRUCTURE = [
  'scenario',
  'use',
  'setup',
  'thread',
  'schedule',
  'finally',
  'fn',
  'if',
  'else',
  'while',
  'for',
  'repeat',
];

function bracketsOf(tokens: readonly IToken[]): Opened[] {
  const opened: Opened[] = [];
  let keyword = '';
  for (const [at, { image }] of tokens.entries()) {
    const name = tokens[at - 1]?.image === '.';
    if (STRUCTURE.includes(image) && !name && !(image === 'for' && keyword === 'thread')) keyword = image;
    if (image === '{' || image === '(' || image === '[') opened.push({ bracket: image, at, keyword });
    if (image === '}' || image === ')' || image === ']') opened.pop();
    if (image === '{' || image === '}') keyword = '';
  }
  return opened;
}

function outside(tokens: readonly IToken[]): Cursor {
  const last = tokens.at(-1);
  const before = tokens.at(-2)?.image;
  if (last === undefined || last.image === '}' || last.image === ';') return { kind: 'file' };
  if (last.image === '=' || before === '=') return { kind: 'expression', call: undefined };
  return firstKeywords('Declaration').includes(last.image) ? { kind: 'nothing' } : { kind: 'file' };
}

function inScenario(
  tokens: readonly IToken[],
  block: Opened,
  inner: Opened | undefined,
  begins: boolean,
): Cursor {
  const image = tokens.at(-1)?.image ?? '';
  const kind = { use: 'subsystem', schedule: 'policy', expect: 'outcome', on: 'cpu' }[image] as
    | 'policy'
    | undefined;
  if (kind !== undefined) return { kind };
  if (image === 'thread' || image === 'tags' || image === 'always') return { kind: 'nothing' };
  const members = firstKeywords('Member');
  const rest = tokens.slice(block.at + 1);
  const member = rest.findLast((t) => members.includes(t.image))?.image;
  const rule = (member === 'always' || member === 'reachable') && image !== '}' && image !== '{';
  if (inner !== block) return { kind: 'expression', call: undefined };
  if (begins || image === '{' || image === '}')
    return { kind: 'scenario', also: rule ? 'expression' : undefined };
  return rule ? { kind: 'expression', call: undefined } : { kind: 'scenario', also: undefined };
}

function inUse(tokens: readonly IToken[], block: Opened): Cursor {
  const subsystem = tokens[block.at - 1]?.image ?? '';
  const rest = tokens.slice(block.at + 1);
  const colon = rest.findLastIndex((t) => t.image === ':');
  const option = rest[colon - 1]?.image ?? '';
  const after = rest.slice(colon + 1).map((t) => t.image);
  const open = after.includes('[') && !after.includes(']');
  if (colon >= 0 && (after.length === 0 || after.at(-1) === '-' || open))
    return { kind: 'option value', subsystem, option };
  const given = rest.flatMap((t, k) => (rest[k + 1]?.image === ':' ? [t.image] : []));
  return { kind: 'option', subsystem, given };
}

function inSchedule(tokens: readonly IToken[], block: Opened, inner: Opened | undefined): Cursor {
  const rest = tokens.slice(block.at + 1);
  const verbs = firstKeywords('Stop');
  const verb = rest.findLastIndex((t) => verbs.includes(t.image));
  const stop = rest.slice(Math.max(0, verb)).map((t) => t.image);
  if (stop[0] === 'until' || (stop[0] === 'for' && stop.at(-1) === 'for'))
    return { kind: 'expression', call: undefined };
  if (verb >= 0 && !finished(stop, inner !== block)) return { kind: 'directive', after: stop };
  const thread = rest.at(-1);
  const began = thread !== undefined && rest.length - 1 > verb + directiveLength(stop) - 1;
  return { kind: 'directive', after: began ? ['thread'] : [] };
}

/** Whether the words from the verb on are a whole directive, perhaps followed by more. */
function finished(stop: readonly string[], open: boolean): boolean {
  return !open && stop.length >= directiveLength(stop);
}

function directiveLength(stop: readonly string[]): number {
  if (!['to', 'past', 'until', 'for'].includes(stop[0] ?? '')) return 0;
  if (stop[1] === 'lock') return stop.includes(')') ? stop.indexOf(')') + 1 : 5;
  return stop[0] === 'for' || stop[1] === 'label' ? 3 : 2;
}

function isLabel(tokens: readonly IToken[]): boolean {
  return tokens.at(-3)?.image === 'label';
}

function callOf(text: string, tokens: readonly IToken[], opened: readonly Opened[]): OpenCall | undefined {
  const open = opened.at(-1);
  if (open?.bracket !== '(' || open.at === 0) return undefined;
  if (!/[\w\])]$/.test(tokens[open.at - 1]?.image ?? '')) return undefined;
  let [argument, depth] = [0, 0];
  const named: string[] = [];
  for (let k = open.at + 1; k < tokens.length; k++) {
    const { image } = tokens[k] as IToken;
    if (image === '(' || image === '[') depth++;
    if (image === ')' || image === ']') depth--;
    if (depth === 0 && image === ',') argument++;
    if (depth === 0 && tokens[k + 1]?.image === ':') named.push(image);
  }
  return { callee: receiverBefore(text, tokens, open.at), argument, named };
}

/** The text of the longest chain of names, calls and indices that ends before token `at`. */
function receiverBefore(text: string, tokens: readonly IToken[], at: number): string {
  let start = at;
  for (let k = at - 1; k >= 0; ) {
    const { image } = tokens[k] as IToken;
    if (image === ')' || image === ']') {
      const open = matching(tokens, k);
      if (open < 0) break;
      start = open;
      k = open - 1;
      if (tokens[k] === undefined || !/^\w+$|^[)\]]$/.test((tokens[k] as IToken).image)) break;
      continue;
    }
    if (!/^\w+$/.test(image)) break;
    start = k;
    if (tokens[k - 1]?.image !== '.') break;
    k -= 2;
  }
  const [from, to] = [tokens[start]?.startOffset, tokens[at]?.startOffset];
  return from === undefined || to === undefined ? '' : text.slice(from, to);
}

function matching(tokens: readonly IToken[], close: number): number {
  let depth = 0;
  for (let k = close; k >= 0; k--) {
    const { image } = tokens[k] as IToken;
    if (image === ')' || image === ']') depth++;
    if ((image === '(' || image === '[') && --depth === 0) return k;
  }
  return -1;
}
