/**
 * What runs inside VS Code: it registers the debugger, the language client, commands and views, and does nothing else itself.
 * The debug adapter and the language server are processes of their own, started from dist/.
 */
import * as vscode from 'vscode';
import type { EventGroup } from '../adapter/language/eventGroups.js';
import { adapterFactory } from './adapter.js';
import { backToScenario } from './back-to-scenario.js';
import { registerCommands } from './commands.js';
import { configurationProvider, DEBUG_TYPE } from './configuration.js';
import { sendEvents } from './events/sender.js';
import { EventStore } from './events/store.js';
import { eventView } from './events/view.js';
import { valuesInEditor } from './inline-values.js';
import { askServer, startLanguageClient } from './language-client.js';
import { outputLines } from './output-lines.js';
import { monitorFactory } from './session/monitor.js';
import { stepStatus } from './step-status.js';
import { trackerFactory } from './trace.js';

/** Called by VS Code once, when a scenario is opened or a debug session of our type is started. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const {
    registerDebugAdapterDescriptorFactory,
    registerDebugAdapterTrackerFactory,
    registerDebugConfigurationProvider,
  } = vscode.debug;
  const events = new EventStore(context.workspaceState);
  context.subscriptions.push(
    registerDebugConfigurationProvider(DEBUG_TYPE, configurationProvider()),
    registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapterFactory(context)),
    registerDebugAdapterTrackerFactory(DEBUG_TYPE, trackerFactory(context)),
    registerDebugAdapterTrackerFactory(DEBUG_TYPE, monitorFactory),
    ...registerCommands(),
    events,
    eventView(events),
    sendEvents(events),
    stepStatus(),
    valuesInEditor(),
    outputLines(),
    backToScenario(),
  );
  void vscode.commands.executeCommand('setContext', 'lockstep.active', true);
  await startLanguageClient(context);
  events.list((await askServer<EventGroup[]>('lockstep/events')) ?? []);
}
