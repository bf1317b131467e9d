import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';

let running: LanguageClient | undefined;

/**
 * Starts the language server as a process of its own; it ends with the extension. Debugging works without it, so a server that does
 * not start is reported and nothing more.
 */
export async function startLanguageClient(context: vscode.ExtensionContext): Promise<void> {
  const server = { module: context.asAbsolutePath('dist/language-server.js'), transport: TransportKind.ipc };
  const client = new LanguageClient('lockstep', 'Lockstep Language Server', server, {
    documentSelector: [{ language: 'lockstep' }],
  });
  context.subscriptions.push({ dispose: () => (client.isRunning() ? client.stop() : undefined) });
  try {
    await client.start();
    running = client;
  } catch (error) {
    const text =
      'The language server did not start, so scenarios are not checked while you type. Reload the window to try again.';
    void vscode.window.showErrorMessage(`${text} (${error instanceof Error ? error.message : error})`);
  }
}

/** Asks the language server something that its protocol has no request for. Undefined when it does not run, or cannot answer. */
export async function askServer<T>(request: string, params: unknown = {}): Promise<T | undefined> {
  return running?.sendRequest<T>(request, params).catch(() => undefined);
}
