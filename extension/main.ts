/**
 * What runs inside VS Code: it registers the debugger, the language client and two commands, and does nothing else itself.
 * The debug adapter and the language server are processes of their own, started from dist/.
 */
import * as vscode from 'vscode';
import { adapterFactory } from './adapter.js';
import { registerCommands } from './commands.js';
import { configurationProvider, DEBUG_TYPE } from './configuration.js';
import { startLanguageClient } from './language-client.js';
import { trackerFactory } from './trace.js';

/** Called by VS Code once, when a scenario is opened or a debug session of our type is started. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const { registerDebugAdapterDescriptorFactory, registerDebugConfigurationProvider } = vscode.debug;
  context.subscriptions.push(
    registerDebugConfigurationProvider(DEBUG_TYPE, configurationProvider()),
    registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapterFactory(context)),
    vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, trackerFactory(context)),
    ...registerCommands(),
  );
  await startLanguageClient(context);
}
