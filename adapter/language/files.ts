/** What is known of a parsed file besides its tree. */
import type { Subsystem } from '../emulator/subsystem.js';
import type { AstNode, File } from './ast.js';
import type { Comment } from './parser/tokens.js';

export interface FileInfo {
  /** As it was given to `loadFile`, or as an `import` led to it. */
  readonly path: string;
  readonly text: string;
  readonly root: File;
  readonly comments: readonly Comment[];
  /** The files that it imports, directly. */
  readonly imports: readonly FileInfo[];
  /** The subsystems that its scenarios may use. */
  readonly subsystems: readonly Subsystem[];
}

const infos = new WeakMap<AstNode, FileInfo>();

/** Remembers what is known of a file. */
export function register(info: FileInfo): FileInfo {
  infos.set(info.root, info);
  return info;
}

/** The file that a node belongs to; undefined for an expression that stands alone. */
export function fileOf(node: AstNode): FileInfo | undefined {
  let root = node;
  while (root.$container !== undefined) root = root.$container;
  return infos.get(root);
}

/** The file and all that it imports, directly or not, each once; itself first. */
export function withImports(info: FileInfo, seen = new Set<FileInfo>()): readonly FileInfo[] {
  if (!seen.has(info)) {
    seen.add(info);
    for (const i of info.imports) withImports(i, seen);
  }
  return [...seen];
}

/** The text of the doc comment before a declaration, without its stars; undefined when there is none. */
export function docOf(node: AstNode): string | undefined {
  const info = fileOf(node);
  const start = node.$cstNode?.offset;
  if (info === undefined || start === undefined) return undefined;
  const comment = info.comments.findLast((c) => c.end <= start);
  if (comment === undefined || !comment.text.startsWith('/**')) return undefined;
  if (info.text.slice(comment.end, start).trim() !== '') return undefined;
  return comment.text
    .slice(3, -2)
    .split(/\r?\n/)
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim();
}
