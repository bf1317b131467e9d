/** The outline of a file, and which of its lines can be folded. */
import { type DocumentSymbol, type FoldingRange, FoldingRangeKind, SymbolKind } from 'vscode-languageserver';
import * as ast from '../ast.js';
import { type Range, rangeOf, rangeOfWord } from '../diagnostics.js';
import type { FileInfo } from '../files.js';
import { topLevel } from '../symbols.js';
import { toEditor } from './text.js';

/** The declarations of a file, and the members of its scenarios. */
export function outline(info: FileInfo): DocumentSymbol[] {
  return info.root.declarations.flatMap(declaration);
}

function declaration(d: ast.Declaration): DocumentSymbol[] {
  switch (d.$type) {
    case 'Import':
      return [];
    case 'Const':
    case 'Param':
      return symbol(d, d.name, SymbolKind.Constant, rangeOfWord(d, d.name));
    case 'Fn':
      return symbol(d, d.name, SymbolKind.Function, rangeOfWord(d, d.name));
    case 'Scenario':
      return symbol(d, d.title, SymbolKind.Class, rangeOfWord(d, 'scenario'), d.members.flatMap(member));
  }
}

function symbol(
  node: ast.AstNode,
  name: string | undefined,
  kind: SymbolKind,
  selection: Range,
  children: DocumentSymbol[] = [],
  detail?: string,
): DocumentSymbol[] {
  if (name === undefined || name === '') return [];
  const more = detail === undefined ? {} : { detail };
  return [
    { name, kind, range: toEditor(rangeOf(node)), selectionRange: toEditor(selection), children, ...more },
  ];
}

function member(m: ast.Member): DocumentSymbol[] {
  const word = m.$type.toLowerCase();
  const at = rangeOfWord(m, word);
  switch (m.$type) {
    case 'Use':
      return symbol(m, m.subsystem, SymbolKind.Module, at, [], 'use');
    case 'Setup':
      return symbol(m, word, SymbolKind.Constructor, at, variables(m));
    case 'Thread':
      return symbol(m, m.name, SymbolKind.Function, rangeOfWord(m, m.name), variables(m), 'thread');
    case 'Always':
    case 'Reachable':
      return symbol(m, m.title ?? word, SymbolKind.Boolean, at, [], word);
    case 'Schedule':
      return symbol(m, word, SymbolKind.Array, at, [], m.policy);
    case 'Finally':
      return symbol(m, word, SymbolKind.Method, at);
    case 'Expect':
      return symbol(m, word, SymbolKind.Event, at, [], m.outcome);
    case 'Tags':
      return symbol(m, word, SymbolKind.Key, at, [], m.tags.join(', '));
  }
}

function variables(owner: ast.Setup | ast.Thread): DocumentSymbol[] {
  return topLevel(owner).flatMap((l) => symbol(l, l.name, SymbolKind.Variable, rangeOfWord(l, l.name)));
}

/** Everything in braces over several lines, and comments. */
export function folding(info: FileInfo): FoldingRange[] {
  const ranges: FoldingRange[] = [];
  for (const n of ast.descendants(info.root)) {
    const braces = ast.isBlock(n) || ast.isScenario(n) || ast.isUse(n) || ast.isSchedule(n);
    const { line, endLine } = rangeOf(n);
    if (!braces || !n.$cstNode?.text.endsWith('}')) continue;
    // A block begins in the line of its brace, and the line of the closing brace stays to be seen.
    if (endLine - 1 > line) ranges.push({ startLine: line - 1, endLine: endLine - 2 });
  }
  for (const c of info.comments.filter((x) => x.text.includes('\n'))) {
    const startLine = info.text.slice(0, c.start).split('\n').length - 1;
    ranges.push({
      startLine,
      endLine: startLine + c.text.split('\n').length - 1,
      kind: FoldingRangeKind.Comment,
    });
  }
  return ranges.sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}
