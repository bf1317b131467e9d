import * as vscode from 'vscode';
import { DEBUG_TYPE } from './configuration.js';

/**
 * When a session ends with a model's source in front, shows the scenario again: F5 starts what is in front, and the source belongs to
 * the session that is over.
 */
export function backToScenario(): vscode.Disposable {
  return vscode.debug.onDidTerminateDebugSession(async ({ type, id, configuration: { program } }) => {
    const shown = vscode.window.activeTextEditor?.document.uri;
    if (type !== DEBUG_TYPE || shown?.scheme !== 'debug' || !shown.query.includes(`session=${id}`)) return;
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const tab = tabs.find(
      ({ input }) => input instanceof vscode.TabInputText && input.uri.fsPath === program,
    );
    if (tab)
      await vscode.window.showTextDocument(vscode.Uri.file(program), { viewColumn: tab.group.viewColumn });
  });
}
