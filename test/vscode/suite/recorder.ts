import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';

type Message = DebugProtocol.Event | DebugProtocol.Response;

/** Listens to the messages that the debug adapter sends to VS Code, from the moment that it is made. */
export class Recorder implements vscode.Disposable {
  private readonly seen: Message[] = [];
  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly done = new Promise<void>((done) => {
    const listener = vscode.debug.onDidTerminateDebugSession(() => {
      listener.dispose();
      done();
    });
  });
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory('lockstep', {
    createDebugAdapterTracker: () => ({
      onDidSendMessage: (message: Message) => {
        this.seen.push(message);
        this.emitter.fire();
      },
    }),
  });

  /** The next event of that name; one that has come already counts, once. */
  event<E extends DebugProtocol.Event>(name: E['event']): Promise<E> {
    return new Promise((done) => {
      const look = () => {
        const at = this.seen.findIndex(
          (m) => m.type === 'event' && (m as DebugProtocol.Event).event === name,
        );
        if (at < 0) return false;
        done(this.seen.splice(at, 1)[0] as E);
        return true;
      };
      if (look()) return;
      const listener = this.emitter.event(() => look() && listener.dispose());
    });
  }

  /** Resolves when the session is over for VS Code, too. */
  ended(): Promise<void> {
    return this.done;
  }

  /** What the session has printed so far. */
  output(): string {
    const events = this.seen as DebugProtocol.OutputEvent[];
    return events.map(({ event, body }) => (event === 'output' ? body.output : '')).join('');
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}
