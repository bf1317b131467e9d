/** What is wrong with a file, and where. */
import type { AstNode } from 'langium';
import { isBinary } from './generated/ast.js';

/** A place in a text. Lines and columns count from 1; the end is exclusive. */
export interface Range {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Something to tell the author of a file. */
export interface Diagnostic extends Range {
  /** Path of the file, as it was given to `loadFile`. */
  readonly file: string;
  readonly severity: 'error' | 'warning';
  /** What was wrong, what was expected, and a near name where there is one. One line. */
  readonly message: string;
  /** Short name of the kind of mistake: `syntax`, `unknown-name`, `argument`. */
  readonly code: string;
}

/** `FILE:LINE:COLUMN: error: message`, as compilers write it. */
export function formatDiagnostic(d: Diagnostic): string {
  return `${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message}`;
}

/** Puts diagnostics in the order of the text. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column || a.endColumn - b.endColumn);
}

const NOWHERE: Range = { line: 1, column: 1, endLine: 1, endColumn: 1 };

interface LspRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

const fromLsp = (r: LspRange): Range => ({
  line: r.start.line + 1,
  column: r.start.character + 1,
  endLine: r.end.line + 1,
  endColumn: r.end.character + 1,
});

/** Where a node stands. Operands of one chain of operators share a node of the parse, so those are put together here. */
export function rangeOf(node: AstNode): Range {
  if (isBinary(node) && isBinary(node.$container) && node.$container.$cstNode === node.$cstNode) {
    const [left, right] = [rangeOf(node.left), rangeOf(node.right)];
    return { line: left.line, column: left.column, endLine: right.endLine, endColumn: right.endColumn };
  }
  return node.$cstNode === undefined ? NOWHERE : fromLsp(node.$cstNode.range);
}

/** Where a word of a node stands: its name, its operator, a keyword. The whole node when the word is not there. */
export function rangeOfWord(node: AstNode, word: string, last = false): Range {
  const leaves = ownLeaves(node).filter((leaf) => leaf.text === word);
  const leaf = last ? leaves.at(-1) : leaves[0];
  return leaf === undefined ? rangeOf(node) : fromLsp(leaf.range);
}

interface Leaf {
  readonly text: string;
  readonly range: LspRange;
}

/** The words of a node that do not belong to a node below it. */
function ownLeaves(node: AstNode): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (cst: NonNullable<AstNode['$cstNode']>) => {
    if (!('content' in cst)) leaves.push(cst);
    else
      for (const child of cst.content as NonNullable<AstNode['$cstNode']>[])
        if (child.astNode === node) walk(child);
  };
  if (node.$cstNode !== undefined) walk(node.$cstNode);
  return leaves;
}
