/** The syntax tree of scenario files: the types that Langium generates from the grammar, and walks over them. */
import type { AstNode } from 'langium';

export type { AstNode } from 'langium';
export * from './generated/ast.js';

/** The nodes directly below, in the order of the text. Nodes that a syntax error left out are missing. */
export function childrenOf(node: AstNode): AstNode[] {
  const children: AstNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key.startsWith('$')) continue;
    if (Array.isArray(value)) for (const item of value) children.push(...(isNode(item) ? [item] : []));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** The node and all below it, parents first. Safe for trees of any depth. */
export function* descendants(root: AstNode): Generator<AstNode> {
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node;
    pending.push(...childrenOf(node).reverse());
  }
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && '$type' in value;
}

/** The nearest node of that type that contains `node`, or `node` itself. */
export function enclosing<T extends AstNode>(node: AstNode, is: (n: unknown) => n is T): T | undefined {
  for (let n: AstNode | undefined = node; n !== undefined; n = n.$container) if (is(n)) return n;
  return undefined;
}
