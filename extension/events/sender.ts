import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../configuration.js';
import { on } from '../session/monitor.js';
import { filterOptions, keyOf } from './choices.js';
import type { EventStore } from './store.js';

type Answer = DebugProtocol.SetExceptionBreakpointsResponse['body'];

/**
 * Sends what is chosen to every session: before the scenario begins, and whenever it changes.
 *
 * The events are the adapter's exception filters, which VS Code would list a second time among the breakpoints, and set by itself.
 * So that there is one place for them, the filters are taken out of what the adapter tells VS Code of itself, and this is the only
 * sender of `setExceptionBreakpoints`. Other clients see the filters.
 */
export function sendEvents(store: EventStore): vscode.Disposable {
  const sessions = new Set<vscode.DebugSession>();
  const send = async (session: vscode.DebugSession) => {
    const options = filterOptions(store.groups, store.choices);
    try {
      const args = { filters: [], filterOptions: options };
      const answer: Answer = await session.customRequest('setExceptionBreakpoints', args);
      const problems = options.flatMap((option, k) => {
        const { verified = true, message = '' } = answer?.breakpoints?.[k] ?? {};
        return verified ? [] : [[keyOf(option), message] as const];
      });
      store.tell(new Map(problems));
    } catch {
      sessions.delete(session); // it has ended
    }
  };
  return vscode.Disposable.from(
    vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
      createDebugAdapterTracker: () => ({
        onDidSendMessage({ type, command, body }: DebugProtocol.Response) {
          const known = store.groups.length > 0; // without a view to choose in, VS Code's own list is better than none
          if (type === 'response' && command === 'initialize' && known) body.exceptionBreakpointFilters = [];
        },
      }),
    }),
    on('initialized', (session) => {
      if (session.configuration.noDebug === true || store.groups.length === 0) return;
      sessions.add(session);
      void send(session);
    }),
    on('ended', (session) => sessions.delete(session)),
    store.onChoice(() => sessions.forEach((session) => void send(session))),
  );
}
