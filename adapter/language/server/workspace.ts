/** The files that the editor shows, loaded, and those beside them on the disk. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Subsystem } from '../../emulator/subsystem.js';
import { type LoadedFile, loadFile } from '../load.js';

/** The path of a URI, with `/` between folders; the URI itself for what is not on the disk. */
export function pathOf(uri: string): string {
  return uri.startsWith('file:') ? fileURLToPath(uri).replaceAll('\\', '/') : uri;
}

/** The URI of a path. */
export function uriOf(path: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(path) && !/^[A-Za-z]:/.test(path) ? path : pathToFileURL(path).href;
}

/** Loads each version of each document once. */
export class Workspace {
  private readonly loaded = new Map<string, { version: number; text: string; file: LoadedFile }>();

  constructor(
    readonly documents: TextDocuments<TextDocument>,
    readonly subsystems: readonly Subsystem[],
  ) {}

  /** The document of that URI, loaded; undefined when the editor does not show it. */
  file(uri: string): LoadedFile | undefined {
    const document = this.documents.get(uri);
    return document === undefined ? undefined : this.load(document);
  }

  /** Loads all open documents again where a document that they import has changed. */
  changed(uri: string): void {
    const path = pathOf(uri);
    for (const [other, { file }] of this.loaded)
      if (other === uri || file.info.imports.some((i) => i.path === path)) this.loaded.delete(other);
  }

  closed(uri: string): void {
    this.loaded.delete(uri);
  }

  /** The files that may speak of what `file` declares: open ones, and those in the same folder. */
  neighbours(file: LoadedFile): LoadedFile[] {
    const open = this.documents.all().map((d) => this.load(d));
    const known = new Set(open.map((f) => f.path));
    return [
      ...open,
      ...this.inFolder(dirname(file.path))
        .filter((p) => !known.has(p))
        .map((p) => this.fromDisk(p)),
    ];
  }

  private inFolder(folder: string): string[] {
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith('.lockstep'))
        .sort()
        .map((name) => join(folder, name).replaceAll('\\', '/'));
    } catch {
      return [];
    }
  }

  private fromDisk(path: string): LoadedFile {
    return loadFile(path, this.read(path), (p) => this.read(p), this.subsystems);
  }

  private load(document: TextDocument): LoadedFile {
    const known = this.loaded.get(document.uri);
    if (known !== undefined && known.version === document.version) return known.file;
    const text = document.getText();
    const file = loadFile(pathOf(document.uri), text, (p) => this.read(p), this.subsystems);
    this.loaded.set(document.uri, { version: document.version, text, file });
    return file;
  }

  /** The text of a file as the editor has it, or as it is on the disk. Throws when there is none. */
  private read(path: string): string {
    return this.documents.get(uriOf(path))?.getText() ?? readFileSync(path, 'utf8');
  }
}
