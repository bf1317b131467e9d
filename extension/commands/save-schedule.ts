import * as vscode from 'vscode';
import type { SchedulePlace } from '../../adapter/language/server/schedulePlace.js';
import { askServer } from '../language-client.js';
import { ask } from '../session/ask.js';
import { placed } from './block.js';
import { position, programOf } from './targets.js';

/** Commands that keep the schedule walked so far. */
export const saveSchedule: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'lockstep.saveScheduleInScenario': inScenario,
  'lockstep.saveScheduleAsFile': asFile,
};

/** Writes the schedule into the editor, as one edit that can be undone. Nothing is saved, and nothing is replaced unasked. */
async function inScenario(): Promise<void> {
  const program = programOf();
  const title = (await position())?.title;
  if (program === undefined || title === undefined) return;
  const schedule = await ask('lockstep/schedule', { form: 'block' });
  if (schedule === undefined) return;
  const document = await vscode.workspace.openTextDocument(program);
  const { version } = document;
  const textDocument = { uri: document.uri.toString() };
  const place = await askServer<SchedulePlace | null>('lockstep/schedulePlace', { textDocument, title });
  if (!place) return void vscode.window.showErrorMessage(noPlace(title, program));
  const { start, end } = place.range;
  const range = new vscode.Range(start.line, start.character, end.line, end.character);
  const editor = await vscode.window.showTextDocument(document);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  if (place.exists && !(await agreed(title))) return;
  const same = document.version === version;
  const done = same && (await editor.edit((edit) => edit.replace(range, placed(schedule.text, place))));
  if (!done)
    void vscode.window.showErrorMessage('The file was changed meanwhile, so nothing was written: try again.');
}

const noPlace = (title: string, program: vscode.Uri) =>
  `There is no scenario "${title}" with a thread in ${vscode.workspace.asRelativePath(program)} any more: ` +
  'save the schedule as a file instead.';

async function agreed(title: string): Promise<boolean> {
  const detail =
    'The schedule that you have walked takes its place in the editor. You can undo that; the file is not saved.';
  const question = `Replace the schedule of "${title}"?`;
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, 'Replace')) === 'Replace';
}

async function asFile(): Promise<void> {
  const schedule = await ask('lockstep/schedule', { form: 'file' });
  const program = programOf();
  if (schedule === undefined || program === undefined) return;
  const defaultUri = program.with({ path: program.path.replace(/(\.lockstep)?$/, '.schedule.json') });
  const filters = { 'Lockstep schedule': ['schedule.json'] };
  const file = await vscode.window.showSaveDialog({ title: 'Save Schedule', defaultUri, filters });
  if (file !== undefined) await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(schedule.text));
}
