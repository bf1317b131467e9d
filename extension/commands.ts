import * as vscode from 'vscode';
import { looking, textProvider } from './commands/looking.js';
import { saveSchedule } from './commands/save-schedule.js';
import { scheduling } from './commands/scheduling.js';
import { travel } from './commands/travel.js';
import { DEBUG_TYPE } from './configuration.js';

/** The two buttons in the title of a scenario's editor, and the commands for a session that is stopped. */
export function registerCommands(): vscode.Disposable[] {
  const start = (noDebug: boolean) => (resource?: vscode.Uri) => {
    const program = (resource ?? vscode.window.activeTextEditor?.document.uri)?.fsPath;
    const config = { type: DEBUG_TYPE, request: 'launch', name: 'Lockstep', program };
    return vscode.debug.startDebugging(undefined, config, { noDebug });
  };
  const all: Readonly<Record<string, (...args: never[]) => unknown>> = {
    'lockstep.debugFile': start(false),
    'lockstep.runFile': start(true),
    ...travel,
    ...scheduling,
    ...looking,
    ...saveSchedule,
  };
  return [
    textProvider(),
    ...Object.entries(all).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  ];
}
