import * as vscode from 'vscode';
import { chooseScenario } from './scenarios.js';

/** The debug type and the language have the same name, in the manifest too. */
export const DEBUG_TYPE = 'lockstep';

type Folder = vscode.WorkspaceFolder | undefined;

/**
 * Completes a launch configuration, so that F5 in a scenario file works without a launch.json. Where it cannot, it says what to do
 * and returns undefined, which tells VS Code not to start.
 */
export function configurationProvider(): vscode.DebugConfigurationProvider {
  return { resolveDebugConfiguration, resolveDebugConfigurationWithSubstitutedVariables };
}

function resolveDebugConfiguration(_folder: Folder, given: vscode.DebugConfiguration) {
  const withoutFile = !given.type && !given.request && !given.name;
  const config = withoutFile ? { ...given, type: DEBUG_TYPE, request: 'launch', name: 'Lockstep' } : given;
  if (config.program) return config;
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId !== DEBUG_TYPE) {
    return refuse(
      'There is no scenario to debug: open a .lockstep file and press F5 in it, or name one as "program" in launch.json.',
    );
  }
  if (document.uri.scheme !== 'file') {
    return refuse('The debugger reads scenarios from disk: save this one first, then press F5 again.');
  }
  return { ...config, program: document.uri.fsPath };
}

async function resolveDebugConfigurationWithSubstitutedVariables(
  _folder: Folder,
  config: vscode.DebugConfiguration,
) {
  if (typeof config.program !== 'string')
    return refuse('"program" in launch.json must be the path of a .lockstep file.');
  if (config.scenario !== undefined || config.schedule !== undefined) return config;
  const scenario = await chooseScenario(vscode.Uri.file(config.program));
  if (scenario === 'cancelled') return undefined;
  return scenario ? { ...config, scenario: scenario.title } : config;
}

function refuse(message: string): undefined {
  void vscode.window.showErrorMessage(message);
  return undefined;
}
