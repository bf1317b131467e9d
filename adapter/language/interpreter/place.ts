/** Where a node of the syntax tree stands, and how it is written. */
import type { AstNode } from 'langium';
import { addSite } from '../../machine/index.js';
import { type Range, rangeOf } from '../diagnostics.js';
import { isBinary } from '../generated/ast.js';

/** A place in a file, with offsets for comparing places, and its text. */
export interface Place extends Range {
  readonly offset: number;
  readonly end: number;
  readonly text: string;
}

/** The place of a node that was parsed from a file. */
export function placeOf(node: AstNode): Place {
  const cst = node.$cstNode;
  if (cst === undefined) return { ...rangeOf(node), offset: 0, end: 0, text: '' };
  let [offset, end] = [cst.offset, cst.end];
  if (isBinary(node) && isBinary(node.$container) && node.$container.$cstNode === cst) {
    offset = placeOf(node.left).offset;
    end = placeOf(node.right).end;
  }
  const text = cst.root.fullText.slice(offset, end).replace(/\s+/g, ' ');
  return { ...rangeOf(node), offset, end, text };
}

/** The site of a node of a scenario: a statement, a rule, a line of a schedule. `fn` is what its line belongs to. */
export function siteFor(node: AstNode, file: string, fn: string): number {
  const { line, column, endLine, endColumn } = placeOf(node);
  return addSite({ file, fn, line, column, endLine, endColumn, names: [], kind: 'scenario' });
}

/** The site of the closing brace of a block. */
export function endSiteFor(block: AstNode, file: string, fn: string): number {
  const { endLine, endColumn } = placeOf(block);
  const at = { line: endLine, column: Math.max(1, endColumn - 1), endLine, endColumn };
  return addSite({ file, fn, ...at, names: [], kind: 'scenario' });
}
