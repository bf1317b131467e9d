import * as vscode from 'vscode';

/** A scenario of a file, as the language server's document symbols tell it. */
interface Scenario {
  readonly title: string;
  readonly range: vscode.Range;
}

/**
 * Which scenario of a file is meant: the one that holds the cursor when the file is in the active editor, else the person is asked.
 * Undefined where there is nothing to choose from; what is wrong with such a file is the debug adapter's to say.
 */
export async function chooseScenario(file: vscode.Uri): Promise<Scenario | 'cancelled' | undefined> {
  const scenarios = await scenariosOf(file);
  if (scenarios.length < 2) return undefined;
  const editor = vscode.window.activeTextEditor;
  const cursor = editor?.document.uri.toString() === file.toString() ? editor.selection.active : undefined;
  const here = cursor && scenarios.find(({ range }) => range.contains(cursor));
  if (here) return here;
  const items = scenarios.map((scenario) => ({
    label: scenario.title,
    description: `line ${scenario.range.start.line + 1}`,
    scenario,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Lockstep',
    placeHolder: 'Which scenario?',
  });
  return picked?.scenario ?? 'cancelled';
}

async function scenariosOf(file: vscode.Uri): Promise<Scenario[]> {
  try {
    await vscode.workspace.openTextDocument(file);
  } catch {
    return []; // a file that cannot be read: the adapter says so, with its path
  }
  const command = 'vscode.executeDocumentSymbolProvider';
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(command, file);
  return (symbols ?? [])
    .filter(({ kind }) => kind === vscode.SymbolKind.Class)
    .map(({ name, range }) => ({ title: name, range }));
}
