/** What each name is, for colours that a grammar of words cannot find out. */
import { SemanticTokensBuilder } from 'vscode-languageserver';
import * as ast from '../ast.js';
import { type Range, rangeOf, rangeOfWord } from '../diagnostics.js';
import type { FileInfo } from '../files.js';
import { type SymbolOf, symbolOf } from '../symbols.js';
import { calleeOf, membersOf } from '../types.js';
import { linksOf, type Target } from './links.js';

/** The kinds of names, in the order of their numbers. Those of the protocol where it has one. */
export const TOKEN_TYPES = [
  'variable',
  'parameter',
  'function',
  'method',
  'property',
  'enumMember',
  'class',
  'namespace',
  'label',
  'event',
] as const;
/** What more can be said of a name, by bits. */
export const TOKEN_MODIFIERS = ['declaration', 'readonly', 'defaultLibrary'] as const;

type TokenType = (typeof TOKEN_TYPES)[number];
type Modifier = (typeof TOKEN_MODIFIERS)[number];

interface Token {
  readonly range: Range;
  readonly type: TokenType;
  readonly modifiers: readonly Modifier[];
}

/** The names of a file, in the encoding of the protocol. */
export function semanticTokens(info: FileInfo): { data: number[] } {
  const builder = new SemanticTokensBuilder();
  const tokens = [...ast.descendants(info.root)].flatMap(tokensOf);
  tokens.sort((a, b) => a.range.line - b.range.line || a.range.column - b.range.column);
  for (const { range, type, modifiers } of tokens) {
    if (range.line !== range.endLine) continue;
    const bits = modifiers.reduce((sum, m) => sum | (1 << TOKEN_MODIFIERS.indexOf(m)), 0);
    builder.push(
      range.line - 1,
      range.column - 1,
      range.endColumn - range.column,
      TOKEN_TYPES.indexOf(type),
      bits,
    );
  }
  return builder.build();
}

const ofSymbol: Readonly<Record<SymbolOf['kind'], readonly [TokenType, ...Modifier[]]>> = {
  variable: ['variable'],
  const: ['variable', 'readonly'],
  param: ['variable', 'readonly'],
  fn: ['function'],
  query: ['function', 'defaultLibrary'],
  thread: ['class'],
  global: ['variable', 'defaultLibrary'],
  event: ['property'],
  constant: ['enumMember'],
  operation: ['method', 'defaultLibrary'],
};

const ofTarget: Readonly<Record<Target['$type'], TokenType>> = {
  Let: 'variable',
  For: 'variable',
  Quantifier: 'variable',
  Family: 'variable',
  Parameter: 'parameter',
  Const: 'variable',
  Param: 'variable',
  Fn: 'function',
  Thread: 'class',
  Label: 'label',
};

function tokensOf(node: ast.AstNode): Token[] {
  if (ast.isNameExpr(node)) {
    const s = symbolOf(node);
    if (s === undefined) return [];
    const [type, ...modifiers] =
      s.kind === 'variable' && ast.isParameter(s.node) ? (['parameter'] as const) : ofSymbol[s.kind];
    return [{ range: rangeOf(node), type, modifiers }];
  }
  if (ast.isField(node)) return field(node);
  if (ast.isUse(node)) return word(node, node.subsystem, 'namespace');
  if (ast.isUseEntry(node)) return word(node, node.key, 'property');
  if (ast.isToFunction(node) || ast.isPastFunction(node)) return word(node, node.function, 'function', true);
  if (ast.isArgument(node)) return word(node, node.name, 'parameter');
  return linksOf(node).map(({ range, target }) => ({
    range,
    type: ofTarget[target.$type],
    modifiers: target === node ? ['declaration'] : [],
  }));
}

function word(node: ast.AstNode, text: string | undefined, type: TokenType, last = false): Token[] {
  return text === undefined ? [] : [{ range: rangeOfWord(node, text, last), type, modifiers: [] }];
}

function field(node: ast.Field): Token[] {
  if (node.name === undefined) return [];
  const call = ast.isCall(node.$container) && node.$container.callee === node ? node.$container : undefined;
  if (call !== undefined && calleeOf(call)?.kind === 'operation')
    return word(node, node.name, 'method', true);
  const member = membersOf(node.receiver)?.get(node.name);
  return word(node, node.name, member?.kind === 'thread variable' ? 'variable' : 'property', true);
}
