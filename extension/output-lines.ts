import * as vscode from 'vscode';
import { ask, currentSession } from './session/ask.js';
import { on } from './session/monitor.js';

/** Lines that are remembered of a session; the oldest go first. */
const REMEMBERED = 2000;

/** A line of the Debug Console and the step that printed it. */
interface Line {
  readonly text: string;
  readonly step: number;
  /** Number of its link. */
  readonly reference: number | undefined;
}

/**
 * Leads from a line of the Debug Console back to the step that printed it: the line itself is a link (Ctrl+click), and a command
 * offers all lines to choose from.
 *
 * The link is the adapter's: VS Code makes one of an output event's text where its `variablesReference` holds one variable that has a
 * `valueLocationReference`, and asks for `locations` when it is followed. Our adapter gives both references the same number, and tells
 * the step in the event's `data`.
 */
export function outputLines(): vscode.Disposable {
  const lines = new Map<string, Line[]>();
  return vscode.Disposable.from(
    on('output', ({ id }, { output, data, variablesReference: reference }) => {
      if (typeof data?.step !== 'number') return;
      const known = lines.get(id) ?? [];
      lines.set(id, known);
      known.push({ text: output.trimEnd(), step: data.step, reference });
      if (known.length > REMEMBERED) known.splice(0, known.length - REMEMBERED);
    }),
    on('followed', (session, reference) => {
      const line = lines.get(session.id)?.find((l) => l.reference === reference);
      if (line !== undefined && session.id === currentSession()?.id)
        void ask('lockstep/goToStep', { step: line.step });
    }),
    vscode.debug.onDidTerminateDebugSession(({ id }) => lines.delete(id)),
    vscode.commands.registerCommand('lockstep.goToOutput', () =>
      goToOutput(lines.get(currentSession()?.id ?? '') ?? []),
    ),
  );
}

async function goToOutput(lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) {
    return void vscode.window.showInformationMessage('This run has printed nothing yet.');
  }
  const items = lines.map(({ text, step }) => ({ label: text, description: `step ${step}`, step })).reverse();
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Go to Output Line, the latest first',
    placeHolder: 'Choose a line to go to the step that printed it',
    matchOnDescription: true,
  });
  if (picked !== undefined) await ask('lockstep/goToStep', { step: picked.step });
}
