import * as vscode from 'vscode';
import { ask } from '../session/ask.js';
import { positionText, stepFrom } from '../session/position.js';
import { position, whichThread, whichValue } from './targets.js';

/** Commands that go to another step of the history. */
export const travel: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'lockstep.goToStep': goToStep,
  'lockstep.goToLastWrite': toWrite('lockstep/lastWrite', 'Go to Last Write'),
  'lockstep.goToNextWrite': toWrite('lockstep/nextWrite', 'Go to Next Write'),
  'lockstep.stepBackInto': stepBack('lockstep/stepBackInto'),
  'lockstep.stepBackOver': stepBack('lockstep/stepBackOver'),
  'lockstep.stepBackOut': stepBack('lockstep/stepBackOut'),
  'lockstep.goToFuture': goToFuture,
};

async function goToStep(wanted?: number): Promise<void> {
  if (typeof wanted === 'number') return void (await ask('lockstep/goToStep', { step: wanted }));
  const here = await position();
  if (here === undefined) return;
  const check = (typed: string) => {
    const step = stepFrom(typed, here);
    return typeof step === 'string' ? step : undefined;
  };
  const typed = await vscode.window.showInputBox({
    title: 'Go to Step',
    prompt: `Now at ${positionText(here)}. Steps from ${here.earliest} to ${here.known} are recorded.`,
    value: String(here.step),
    validateInput: check,
  });
  const step = typed === undefined ? undefined : stepFrom(typed, here);
  if (typeof step === 'number') await ask('lockstep/goToStep', { step });
}

function toWrite(request: 'lockstep/lastWrite' | 'lockstep/nextWrite', title: string) {
  return async (menu?: never) => {
    const value = await whichValue(menu, title);
    if (value !== undefined) await ask(request, value);
  };
}

function stepBack(request: 'lockstep/stepBackInto' | 'lockstep/stepBackOver' | 'lockstep/stepBackOut') {
  return async () => {
    const threadId = whichThread(undefined);
    if (threadId !== undefined) await ask(request, { threadId });
  };
}

async function goToFuture(): Promise<void> {
  const answer = await ask('lockstep/futures', {});
  if (answer === undefined) return;
  if (answer.futures.length === 0) {
    const text =
      'There is one future only: another begins when you change a value, or step a thread, in the past.';
    return void vscode.window.showInformationMessage(text);
  }
  const items = answer.futures.map(({ id, from, to, label }) => ({
    label,
    description: `steps ${from} to ${to}`,
    id,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Go to Another Future',
    placeHolder: 'The present future is kept as well',
  });
  if (picked !== undefined) await ask('lockstep/takeFuture', { id: picked.id });
}
