import * as vscode from 'vscode';
import { ask } from '../session/ask.js';
import type { RunTo } from '../session/requests.js';
import { whichThread } from './targets.js';

/** Commands with which the person chooses who runs, and how far. */
export const scheduling: Readonly<Record<string, (...args: never[]) => unknown>> = {
  'lockstep.runToLock': run('lock'),
  'lockstep.runToEnd': run('end'),
  'lockstep.runUntilBlocked': run('blocked'),
  'lockstep.freeze': freeze(true),
  'lockstep.unfreeze': freeze(false),
  'lockstep.letScheduleRun': () => vscode.commands.executeCommand('workbench.action.debug.continue'),
};

function run(to: RunTo) {
  return async (menu?: never) => {
    const threadId = whichThread(menu);
    if (threadId !== undefined) await ask('lockstep/run', { threadId, to });
  };
}

function freeze(frozen: boolean) {
  return async (menu?: never) => {
    const threadId = whichThread(menu);
    if (threadId !== undefined) await ask('lockstep/freeze', { threadId, frozen });
  };
}
