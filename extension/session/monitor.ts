import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';

/** What passes between VS Code and an adapter, for those who act on it. Every listener gets the session with it. */
interface Heard {
  /** The adapter is ready for breakpoints; the scenario has not begun. */
  readonly initialized: undefined;
  /** The scenario stands still. */
  readonly stopped: undefined;
  /** VS Code, or the adapter, lets the scenario run on. */
  readonly resumed: undefined;
  /** Values have changed though the scenario stands where it stood. */
  readonly invalidated: undefined;
  /** A line was printed. */
  readonly output: DebugProtocol.OutputEvent['body'];
  /** The person has followed a link to a line of the source, of this reference. */
  readonly followed: number;
  readonly ended: undefined;
}

type Listener<K extends keyof Heard> = (session: vscode.DebugSession, what: Heard[K]) => void;

const listeners: { [K in keyof Heard]: Set<Listener<K>> } = {
  initialized: new Set(),
  stopped: new Set(),
  resumed: new Set(),
  invalidated: new Set(),
  output: new Set(),
  followed: new Set(),
  ended: new Set(),
};

/** Calls a listener whenever that happens in one of our sessions. */
export function on<K extends keyof Heard>(what: K, listener: Listener<K>): vscode.Disposable {
  listeners[what].add(listener);
  return new vscode.Disposable(() => listeners[what].delete(listener));
}

const tell = <K extends keyof Heard>(what: K, session: vscode.DebugSession, value: Heard[K]) => {
  for (const listener of listeners[what]) listener(session, value);
};

/** The last error that VS Code has shown by itself, of each session. */
const shown = new WeakMap<vscode.DebugSession, string>();

/** Whether VS Code has shown that error of the session by itself, as it does where an adapter asks for it. */
export function shownAlready(session: vscode.DebugSession, message: string): boolean {
  return shown.get(session) === message;
}

/** Hands on what is heard in a session. It changes no message. */
export const monitorFactory: vscode.DebugAdapterTrackerFactory = {
  createDebugAdapterTracker: (session) => ({
    onWillReceiveMessage({ type, command, arguments: args }: DebugProtocol.Request) {
      if (type !== 'request') return;
      if (command === 'continue' || command === 'reverseContinue') tell('resumed', session, undefined);
      else if (command === 'locations') tell('followed', session, args.locationReference);
    },
    onDidSendMessage(message: DebugProtocol.ProtocolMessage) {
      if (message.type === 'event') heardEvent(session, message as DebugProtocol.Event);
      else if (message.type === 'response') heardResponse(session, message as DebugProtocol.Response);
    },
    onWillStopSession: () => tell('ended', session, undefined),
    onExit: () => tell('ended', session, undefined),
  }),
};

function heardEvent(session: vscode.DebugSession, { event, body }: DebugProtocol.Event): void {
  if (event === 'initialized' || event === 'stopped' || event === 'invalidated')
    tell(event, session, undefined);
  else if (event === 'continued') tell('resumed', session, undefined);
  else if (event === 'terminated') tell('ended', session, undefined);
  else if (event === 'output') tell('output', session, body);
}

function heardResponse(session: vscode.DebugSession, response: DebugProtocol.Response): void {
  const { success, body } = response;
  if (!success && body?.error?.showUser) shown.set(session, response.message ?? '');
}
