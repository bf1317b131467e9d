import * as vscode from 'vscode';
import { currentSession } from './session/ask.js';
import { on } from './session/monitor.js';
import { positionText } from './session/position.js';
import type { Position } from './session/requests.js';

/** Shows in the status bar, while a session is stopped, at which step; a click goes to another one. */
export function stepStatus(): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('lockstep.step', vscode.StatusBarAlignment.Left);
  item.name = 'Lockstep: Step';
  item.command = 'lockstep.goToStep';
  /** Of each session that is stopped, its position as soon as it is known. */
  const positions = new Map<string, Promise<Position>>();
  const show = async () => {
    const id = currentSession()?.id ?? '';
    const asked = positions.get(id);
    const position = await asked?.catch(() => undefined); // it runs again already, or is over
    if (positions.get(id) !== asked || currentSession()?.id !== (id || undefined)) return;
    if (position === undefined) return item.hide();
    item.text = `$(${position.step < position.known ? 'history' : 'debug-alt'}) ${positionText(position)}`;
    item.tooltip = 'Click to go to another step.';
    item.show();
  };
  const look = (session: vscode.DebugSession) => {
    positions.set(session.id, Promise.resolve(session.customRequest('lockstep/position', {})));
    void show();
  };
  const forget = (session: vscode.DebugSession) => {
    positions.delete(session.id);
    void show();
  };
  return vscode.Disposable.from(
    item,
    on('stopped', look),
    on('invalidated', (session) => positions.has(session.id) && look(session)),
    on('resumed', forget),
    on('ended', forget),
    vscode.debug.onDidTerminateDebugSession(forget),
    vscode.debug.onDidChangeActiveDebugSession(show),
  );
}
