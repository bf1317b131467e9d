/** Where something is declared, and where it is used. */
import {
  type Range as EditorRange,
  type Location,
  ResponseError,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import * as ast from '../ast.js';
import { rangeOf } from '../diagnostics.js';
import { fileOf } from '../files.js';
import type { LoadedFile } from '../load.js';
import { parse } from '../parser/parse.js';
import { type Link, linkAt, linksOf, linksTo, type Target } from './links.js';
import { toEditor, type Word } from './text.js';
import { uriOf, type Workspace } from './workspace.js';

/** The word under the cursor, when it stands for something declared in a file. */
export function linkOf(word: Word, line: number, character: number): Link | undefined {
  return linkAt(word.node, word.text, line + 1, character + 1);
}

/** Where a target is declared. An import leads to the file. */
export function definition(target: Target): Location | undefined {
  const link = linksOf(target).find((l) => l.target === target);
  const info = fileOf(target);
  return link === undefined || info === undefined
    ? undefined
    : { uri: uriOf(info.path), range: toEditor(link.range) };
}

/** The file that an import leads to. */
export function importedFile(node: ast.Import): Location | undefined {
  const info = fileOf(node);
  const imports = info?.root.declarations.filter(ast.isImport) ?? [];
  const to = imports.length === info?.imports.length ? info.imports[imports.indexOf(node)] : undefined;
  return to === undefined
    ? undefined
    : {
        uri: uriOf(to.path),
        range: toEditor({ ...rangeOf(to.root), endLine: 1, endColumn: 1, line: 1, column: 1 }),
      };
}

/** All uses of a target, in its file and in those that import it. */
export function references(target: Target, file: LoadedFile, workspace: Workspace): Location[] {
  const home = fileOf(target);
  if (home === undefined) return [];
  const found = linksTo(target, home.root).map((l) => ({ uri: uriOf(home.path), range: toEditor(l.range) }));
  const visible = ast.isConst(target) || ast.isParam(target) || ast.isFn(target);
  for (const other of visible ? [...workspace.neighbours(file), file] : []) {
    if (other.path === home.path || found.some((l) => l.uri === uriOf(other.path))) continue;
    // Another load of the same file has nodes of its own: they are compared by where they stand.
    const same = (t: Target) =>
      fileOf(t)?.path === home.path && t.$type === target.$type && t.name === target.name;
    const links = [...ast.descendants(other.file)].flatMap(linksOf).filter((l) => same(l.target));
    found.push(...links.map((l) => ({ uri: uriOf(other.path), range: toEditor(l.range) })));
  }
  return found;
}

/** The changes that give a target another name. Throws for a name that cannot be one. */
export function rename(target: Target, name: string, file: LoadedFile, workspace: Workspace): WorkspaceEdit {
  const threadLike = ast.isThread(target);
  const { problems } = parse(`${threadLike ? `scenario "" { thread ${name} {} }` : `const ${name} = 0`}`);
  if (problems.length > 0 || !/^\w+$/.test(name))
    throw new ResponseError(-32803, `'${name}' cannot be a name`);
  const changes: Record<string, { range: EditorRange; newText: string }[]> = {};
  for (const { uri, range } of references(target, file, workspace)) {
    changes[uri] ??= [];
    changes[uri].push({ range, newText: name });
  }
  return { changes };
}
