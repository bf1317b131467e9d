import * as vscode from 'vscode';
import { DEBUG_TYPE } from './configuration.js';

/** The two buttons in the title of a scenario's editor, which are commands in the palette too. */
export function registerCommands(): vscode.Disposable[] {
  const start = (noDebug: boolean) => (resource?: vscode.Uri) => {
    const program = (resource ?? vscode.window.activeTextEditor?.document.uri)?.fsPath;
    const config = { type: DEBUG_TYPE, request: 'launch', name: 'Lockstep', program };
    return vscode.debug.startDebugging(undefined, config, { noDebug });
  };
  return [
    vscode.commands.registerCommand('lockstep.debugFile', start(false)),
    vscode.commands.registerCommand('lockstep.runFile', start(true)),
  ];
}
