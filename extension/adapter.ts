import { dirname } from 'node:path';
import * as vscode from 'vscode';

/**
 * Starts the debug adapter as a process of its own, speaking the Debug Adapter Protocol on stdio.
 *
 * It runs on the Node.js that VS Code itself runs on, so that none has to be installed: `process.execPath` is that Node.js in a
 * remote extension host, and in a desktop one the editor's own binary, which ELECTRON_RUN_AS_NODE makes behave like it.
 */
export function adapterFactory(context: vscode.ExtensionContext): vscode.DebugAdapterDescriptorFactory {
  return {
    createDebugAdapterDescriptor: ({ configuration }) =>
      new vscode.DebugAdapterExecutable(
        process.execPath,
        [context.asAbsolutePath('dist/lockstep.js'), 'dap'],
        {
          cwd: dirname(configuration.program),
          env: { ELECTRON_RUN_AS_NODE: '1' },
        },
      ),
  };
}
