/** Reads scenario files: parses them with what they import, and checks them. */
import { posix } from 'node:path';
import { subsystems as registered } from '../emulator/registry.js';
import type { Subsystem } from '../emulator/subsystem.js';
import * as ast from './ast.js';
import { checkFile } from './check/index.js';
import { type Diagnostic, inOrder, rangeOf } from './diagnostics.js';
import { type FileInfo, fileOf, register, withImports } from './files.js';
import { didYouMean } from './near.js';
import { parse } from './parser/parse.js';
import type { Problem } from './parser/tokens.js';

/** A file, what is wrong with it, and what it offers. */
export interface LoadedFile {
  readonly path: string;
  readonly file: ast.File;
  readonly info: FileInfo;
  /** In the order of the text. The file can be run when none is an error. */
  readonly diagnostics: readonly Diagnostic[];
  readonly scenarios: readonly ast.Scenario[];
  /** Constants, parameters and functions, of the file first and then of what it imports. */
  readonly consts: readonly ast.Const[];
  readonly params: readonly ast.Param[];
  readonly fns: readonly ast.Fn[];
  /** Path of the file in which a node stands. */
  pathOf(node: ast.AstNode): string;
}

/** Reads the text of an imported file. Throws when there is none. */
export type ReadFile = (path: string) => string;

/**
 * Loads a file. Never throws: everything that is wrong is a diagnostic.
 *
 * @param path      where the file is; imports are relative to its folder, and diagnostics carry it as it is given
 * @param available the subsystems that scenarios may `use`
 */
export function loadFile(
  path: string,
  text: string,
  readFile: ReadFile,
  available: readonly Subsystem[] = registered,
): LoadedFile {
  const loader = new Loader(readFile, available);
  const info = loader.load(path, text);
  const diagnostics = [...loader.problems, ...(loader.stopped ? [] : check(info))];
  const declarations = withImports(info).flatMap((f) => f.root.declarations);
  return {
    path,
    file: info.root,
    info,
    diagnostics: inOrder(withoutEchoes(diagnostics)),
    scenarios: info.root.declarations.filter(ast.isScenario),
    consts: declarations.filter(ast.isConst),
    params: declarations.filter(ast.isParam),
    fns: declarations.filter(ast.isFn),
    pathOf: (node) => fileOf(node)?.path ?? path,
  };
}

function check(info: FileInfo): Diagnostic[] {
  try {
    return checkFile(info);
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    return [
      diagnostic(info.path, {
        line: 1,
        column: 1,
        endLine: 1,
        endColumn: 2,
        message: 'nested too deeply',
        code: 'syntax',
      }),
    ];
  }
}

const diagnostic = (file: string, problem: Problem): Diagnostic => ({ file, severity: 'error', ...problem });

/** A line that could not be read says nothing reliable about names and types: only its syntax error is kept. */
function withoutEchoes(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const key = (d: Diagnostic) => `${d.file}:${d.line}`;
  const unread = new Set(diagnostics.filter((d) => d.code === 'syntax').map(key));
  return diagnostics.filter((d) => d.code === 'syntax' || !unread.has(key(d)));
}

class Loader {
  readonly problems: Diagnostic[] = [];
  /** Set when a file is so broken that names in it mean nothing. */
  stopped = false;
  private readonly loading: string[] = [];
  private readonly loaded = new Map<string, FileInfo>();

  constructor(
    private readonly readFile: ReadFile,
    private readonly subsystems: readonly Subsystem[],
  ) {}

  load(path: string, text: string): FileInfo {
    const { root, problems, comments } = parse<ast.File>(text);
    this.problems.push(...problems.map((p) => diagnostic(path, p)));
    this.loading.push(path);
    const imports = root.declarations.filter(ast.isImport).flatMap((i) => this.imported(path, i));
    this.loading.pop();
    const info = register({ path, text, root, comments, imports, subsystems: this.subsystems });
    this.loaded.set(path, info);
    return info;
  }

  private imported(from: string, node: ast.Import): readonly FileInfo[] {
    if (node.path === undefined) return [];
    const path = resolvePath(from, node.path);
    const problem = (message: string) => {
      this.problems.push(diagnostic(from, { ...rangeOf(node), message, code: 'import' }));
      return [];
    };
    if (this.loading.includes(path))
      return problem(`"${node.path}" imports this file: expected no circle of imports`);
    const known = this.loaded.get(path);
    if (known !== undefined) return [known];
    let text: string;
    try {
      text = this.readFile(path);
    } catch {
      const hint = node.path.endsWith('.lockstep') ? '' : didYouMean(node.path, [`${node.path}.lockstep`]);
      return problem(`cannot read "${node.path}": there is no file ${path}${hint}`);
    }
    return [this.load(path, text)];
  }
}

/** The path that an import leads to, with `/` between folders. */
function resolvePath(from: string, to: string): string {
  const slashed = from.replaceAll('\\', '/');
  return posix.isAbsolute(to) || /^[A-Za-z]:[\\/]/.test(to) ? to : posix.join(posix.dirname(slashed), to);
}
