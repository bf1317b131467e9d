import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../configuration.js';
import { shownAlready } from './monitor.js';
import type { Name, Requests } from './requests.js';

/** The debug session that the person looks at, if it is one of ours. */
export function currentSession(): vscode.DebugSession | undefined {
  const session = vscode.debug.activeDebugSession;
  return session?.type === DEBUG_TYPE ? session : undefined;
}

/**
 * Sends one of our own requests to the session that the person looks at. What goes wrong is shown, once, and the answer is undefined
 * then, as it is without a session.
 */
export async function ask<K extends Name>(
  request: K,
  args: Requests[K][0],
): Promise<Requests[K][1] | undefined> {
  const session = currentSession();
  if (session === undefined) {
    void vscode.window.showErrorMessage('No scenario is being debugged: start one with F5 first.');
    return undefined;
  }
  try {
    return (await session.customRequest(request, args)) ?? {};
  } catch (error) {
    const { message } = error as Error;
    if (!shownAlready(session, message)) void vscode.window.showErrorMessage(message);
    return undefined;
  }
}
