import * as vscode from 'vscode';
import { ask, currentSession } from '../session/ask.js';
import type { Position, WhichValue } from '../session/requests.js';

/** What VS Code gives to a command in the menu of a variable. */
interface VariableMenu {
  readonly container?: { readonly variablesReference?: number };
  readonly variable?: { readonly name?: string };
}

/** The innermost frame or thread that the person has chosen in the Call Stack. */
const chosen = () => vscode.debug.activeStackItem;

/**
 * The value that a command is about: the row whose menu it was chosen from, else an expression that the person types, with
 * what is selected in the editor as the first proposal. Undefined where they thought better of it.
 */
export async function whichValue(
  menu: VariableMenu | undefined,
  title: string,
): Promise<WhichValue | undefined> {
  const variablesReference = menu?.container?.variablesReference;
  const name = menu?.variable?.name;
  if (variablesReference !== undefined && name !== undefined) return { variablesReference, name };
  const prompt = 'Which value? Any field that can be written, such as vm.arch.n_used_mmu_pages';
  const expression = await vscode.window.showInputBox({ title, prompt, value: selected() });
  if (!expression?.trim()) return undefined;
  const frame = chosen();
  return frame instanceof vscode.DebugStackFrame ? { expression, frameId: frame.frameId } : { expression };
}

/** The text that is selected in the editor, if it is within one line. */
export function selected(): string {
  const editor = vscode.window.activeTextEditor;
  return editor?.selection.isSingleLine ? editor.document.getText(editor.selection) : '';
}

/** The thread that a command is about: the row of the Call Stack whose menu it was chosen from, else the one that is looked at. */
export function whichThread(menu: unknown): number | undefined {
  const threadId = typeof menu === 'number' ? menu : chosen()?.threadId;
  if (threadId === undefined) void vscode.window.showErrorMessage('Choose a thread in the Call Stack first.');
  return threadId;
}

/** Where the run stands. Undefined where that could not be told; the person has heard of it then. */
export const position = (): Promise<Position | undefined> => ask('lockstep/position', {});

/** The scenario file that is being debugged. */
export function programOf(): vscode.Uri | undefined {
  const program: unknown = currentSession()?.configuration.program;
  return typeof program === 'string' ? vscode.Uri.file(program) : undefined;
}
