/** Between the positions of the editor (from 0), those of diagnostics (from 1), and nodes of the tree. */
import { CstUtils } from 'langium';
import type { Range as EditorRange } from 'vscode-languageserver';
import * as ast from '../ast.js';
import type { Range } from '../diagnostics.js';

/** A place of a diagnostic as the editor counts. */
export function toEditor(r: Range): EditorRange {
  return {
    start: { line: r.line - 1, character: r.column - 1 },
    end: { line: r.endLine - 1, character: r.endColumn - 1 },
  };
}

/** A word of the text with the node that it belongs to. */
export interface Word {
  readonly text: string;
  readonly offset: number;
  readonly node: ast.AstNode;
}

/** The word at an offset, or the one that ends there. */
export function wordAt(root: ast.AstNode, offset: number): Word | undefined {
  const cst = root.$cstNode;
  if (cst === undefined) return undefined;
  for (const at of [offset, offset - 1]) {
    const leaf = at < 0 ? undefined : CstUtils.findLeafNodeAtOffset(cst, at);
    if (leaf !== undefined && /\w/.test(leaf.text))
      return { text: leaf.text, offset: leaf.offset, node: leaf.astNode };
  }
  return undefined;
}

/** The innermost node around an offset, taken by the place that it has in the text. */
export function nodeAt(root: ast.AstNode, offset: number): ast.AstNode {
  let found = root;
  for (;;) {
    const inner = ast.childrenOf(found).find((c) => {
      const cst = c.$cstNode;
      return cst !== undefined && cst.offset < offset && offset <= cst.end;
    });
    if (inner === undefined) return found;
    found = inner;
  }
}

/** The node from which names are looked up at an offset: between two statements, the one that follows. */
export function placeAt(root: ast.AstNode, offset: number): ast.AstNode {
  const node = nodeAt(root, offset);
  if (!ast.isBlock(node)) return node;
  return node.statements.find((s) => (s.$cstNode?.offset ?? 0) >= offset) ?? node;
}
