import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';

/** A file of the workspace, which is a copy of scenarios/. */
export function fileOf(path: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, 'a folder is open');
  return vscode.Uri.joinPath(folder.uri, path);
}

/** Opens a file of the workspace in the editor. */
export async function show(path: string): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(fileOf(path), { preview: false });
}

/** Writes a new scenario file and opens it. */
export async function showNew(path: string, text: string): Promise<vscode.TextEditor> {
  await vscode.workspace.fs.writeFile(fileOf(path), Buffer.from(text));
  return show(path);
}

/** The position right after the first occurrence of a text. */
export function positionAfter(document: vscode.TextDocument, text: string): vscode.Position {
  const at = document.getText().indexOf(text);
  assert.notEqual(at, -1, `${text} stands in ${document.fileName}`);
  return document.positionAt(at + text.length);
}

/** What an editor feature answers at a position. */
export async function ask<T>(
  command: string,
  document: vscode.TextDocument,
  at?: vscode.Position,
): Promise<T> {
  return vscode.commands.executeCommand<T>(command, document.uri, ...(at ? [at] : []));
}

/** The diagnostics of a file, as soon as there are as many. */
export function diagnosticsOf(uri: vscode.Uri, count: number): Promise<vscode.Diagnostic[]> {
  return new Promise((done) => {
    const look = () => {
      const found = vscode.languages.getDiagnostics(uri);
      if (found.length !== count) return;
      listener.dispose();
      done(found);
    };
    const listener = vscode.languages.onDidChangeDiagnostics(look);
    look();
  });
}
