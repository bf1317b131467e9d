// Opens a desktop VS Code with the extension under development in it.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { ROOT } from '../bundle.mjs';
import { atEnd, spawnGuarded, temporaryFolder } from '../children.mjs';
import { phase } from '../progress.mjs';
import { VSCODE_VERSION } from './host.mjs';
import { onPath } from './path.mjs';

/** How long a download may bring nothing at all before it is given up, in milliseconds. */
const PATIENCE = 20_000;

/** Why no window can be opened here, or undefined. */
function noDisplay() {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY ? 'there is no display' : undefined;
}

/** The program file of the VS Code whose `code` command is on the PATH, or undefined. */
function installedDesktop() {
  const command = process.platform === 'win32' ? onPath('code.cmd') : onPath('code');
  if (!command) return undefined;
  // The command is a script beside the program; run directly, the program stays a child that can be ended.
  const bin = dirname(realpathSync(command));
  const programs = ['../code', '../Code.exe', '../../../MacOS/Electron', '../../../MacOS/Code'];
  return programs.map((program) => resolve(bin, program)).find((program) => existsSync(program)) ?? command;
}

/** Downloads a desktop VS Code into the cache, or takes it from there. Throws when it cannot be had. */
function downloadDesktop() {
  return phase(`Getting a desktop VS Code ${VSCODE_VERSION}`, async () => {
    let stalled;
    const giveUp = new Promise((_, fail) => {
      const start = () =>
        setTimeout(() => fail(new Error(`nothing came for ${PATIENCE / 1000} s`)), PATIENCE);
      let timer = start();
      stalled = {
        report() {
          clearTimeout(timer);
          timer = start();
        },
        end: () => clearTimeout(timer),
      };
    });
    const reporter = { report: () => stalled.report(), error: () => {} };
    const cachePath = join(ROOT, '.cache/vscode-desktop');
    try {
      const download = downloadAndUnzipVSCode({
        version: VSCODE_VERSION,
        cachePath,
        reporter,
        timeout: PATIENCE,
      });
      return await Promise.race([download, giveUp]);
    } finally {
      stalled.end();
    }
  });
}

/** The program file of a desktop VS Code. Throws with the reason when there is none to be had. */
export async function desktopProgram() {
  const reason = noDisplay();
  if (reason) throw new Error(`a desktop VS Code cannot be opened: ${reason}`);
  try {
    return installedDesktop() ?? (await downloadDesktop());
  } catch (error) {
    throw new Error(`there is no \`code\` on the PATH, and VS Code cannot be downloaded: ${error.message}`);
  }
}

/** Ends every process that was started with this folder in its arguments: VS Code's `code` command leaves its window behind. */
function endUsersOf(folder) {
  if (process.platform === 'win32') return;
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const users = (stdout ?? '').split('\n').filter((line) => line.includes(folder));
  for (const line of users) {
    try {
      process.kill(Number.parseInt(line, 10), 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

/** Opens `folder` and `file` in a VS Code that shares nothing with the person's own. Returns when the window is closed. */
export async function openDesktop(program, folder, file) {
  const { path: data, remove } = temporaryFolder('lockstep-vscode');
  const endAll = atEnd(() => endUsersOf(data));
  const { child, end } = spawnGuarded(
    program,
    [
      `--extensionDevelopmentPath=${ROOT}`,
      `--user-data-dir=${join(data, 'user')}`,
      `--extensions-dir=${join(data, 'extensions')}`,
      '--disable-workspace-trust',
      '--disable-updates',
      '--skip-welcome',
      '--new-window',
      '--wait',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      folder,
      file,
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  try {
    return await new Promise((done, fail) => {
      child.once('error', (error) => fail(new Error(`${program} cannot be run: ${error.message}`)));
      child.once('exit', (code, signal) => done(signal ? 1 : code));
    });
  } finally {
    end();
    endAll();
    remove();
  }
}
