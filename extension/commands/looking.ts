import * as vscode from 'vscode';
import { ask } from '../session/ask.js';
import { positionText } from '../session/position.js';
import { position, whichValue } from './targets.js';

/** The scheme of read-only texts that a command has made. */
const SCHEME = 'lockstep-text';

/** How many writes the history of a value shows. */
const HISTORY = 500;

/** Texts that are shown, by their address; who shows one hears when it is made anew. */
const texts = new Map<string, string>();
const renewed = new vscode.EventEmitter<vscode.Uri>();

/** Gives VS Code the read-only texts that `showStateDump` opens. */
export function textProvider(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: renewed.event,
      provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => texts.delete(uri.toString())),
  );
}

/** Commands that show, or copy, what is there and how it came about. */
export const looking: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'lockstep.showHistory': showHistory,
  'lockstep.copyAsJson': copyAsJson,
  'lockstep.copyStacks': copyStacks,
  'lockstep.showStateDump': showStateDump,
};

async function showHistory(menu?: never): Promise<void> {
  const value = await whichValue(menu, 'Show History');
  const answer = value && (await ask('lockstep/history', { ...value, count: HISTORY }));
  if (answer === undefined) return;
  const items = answer.writes.map((write) => ({
    label: `${write.old} $(arrow-right) ${write.new}`,
    description: `step ${write.step}, ${write.thread}`,
    detail: `${write.source}:${write.line}`,
    step: write.step,
  }));
  if (items.length === 0)
    return void vscode.window.showInformationMessage('Nothing has written that value yet.');
  const picked = await vscode.window.showQuickPick(items, {
    title: 'History, the latest write first',
    placeHolder: 'Choose a write to go there',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked !== undefined) await ask('lockstep/goToStep', { step: picked.step });
}

async function copyAsJson(menu?: never): Promise<void> {
  const value = await whichValue(menu, 'Copy as JSON');
  const answer = value && (await ask('lockstep/json', value));
  if (answer !== undefined) await vscode.env.clipboard.writeText(answer.text);
}

async function copyStacks(): Promise<void> {
  const answer = await ask('lockstep/stacks', {});
  if (answer !== undefined) await vscode.env.clipboard.writeText(answer.text);
}

async function showStateDump(): Promise<void> {
  const [here, answer] = [await position(), await ask('lockstep/dump', {})];
  if (here === undefined || answer === undefined) return;
  const path = `/${here.title.replaceAll('/', ' ')}, ${positionText(here)}.txt`;
  const uri = vscode.Uri.from({ scheme: SCHEME, path });
  texts.set(uri.toString(), answer.text);
  renewed.fire(uri);
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: true, preserveFocus: false });
}
