import * as vscode from 'vscode';

/** With `"trace": true` in a launch configuration, shows the messages of the session in an output channel. */
export function trackerFactory(context: vscode.ExtensionContext): vscode.DebugAdapterTrackerFactory {
  let channel: vscode.LogOutputChannel | undefined;
  const open = () => {
    channel = vscode.window.createOutputChannel('Lockstep Debug Adapter', { log: true });
    context.subscriptions.push(channel);
    return channel;
  };
  return {
    createDebugAdapterTracker({ configuration }) {
      if (configuration.trace !== true) return undefined;
      const log = channel ?? open();
      return {
        onWillReceiveMessage: (message) => log.info('->', JSON.stringify(message)),
        onDidSendMessage: (message) => log.info('<-', JSON.stringify(message)),
        onError: (error) => log.error(error),
        onExit: (code, signal) => log.info(`the adapter ended with ${signal ?? `status ${code}`}`),
      };
    },
  };
}
