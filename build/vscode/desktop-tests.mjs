// Runs the suite in a desktop VS Code, downloaded or from the PATH.
import { join } from 'node:path';
import { resolveCliArgsFromVSCodeExecutablePath, runTests } from '@vscode/test-electron';
import { run, temporaryFolder } from '../children.mjs';
import { desktopProgram } from './desktop.mjs';

/** Returns what went wrong, should the suite have written no result. */
export async function runInDesktop({ folder, driver, suite, vsix, env }) {
  const program = await desktopProgram();
  const { path, remove } = temporaryFolder('lockstep-vscode');
  const dirs = [`--user-data-dir=${join(path, 'user')}`, `--extensions-dir=${join(path, 'extensions')}`];
  try {
    const [cli] = resolveCliArgsFromVSCodeExecutablePath(program);
    await run(cli, [...dirs, '--install-extension', vsix, '--force']);
    await runTests({
      vscodeExecutablePath: program,
      extensionDevelopmentPath: driver,
      extensionTestsPath: suite,
      extensionTestsEnv: env,
      launchArgs: [folder, ...dirs, '--disable-workspace-trust', '--disable-updates', '--skip-welcome'],
    });
    return 'the suite ended without one';
  } catch (error) {
    return error.message;
  } finally {
    remove();
  }
}
