// Serves VS Code on a loopback address, with everything that it writes in a folder that goes away with it.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, spawnGuarded, temporaryFolder } from '../children.mjs';
import { ensureHost } from './host.mjs';

/** A quiet VS Code: no assistant, no telemetry, no updates, no welcome page, and no file saved unasked. */
const SETTINGS = {
  'chat.disableAIFeatures': true,
  'editor.accessibilitySupport': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'files.autoSave': 'off',
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'telemetry.feedback.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'workbench.enableExperiments': false,
  'workbench.localHistory.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/**
 * Starts a server with the extension installed from `vsix`.
 * `driver` makes it accept an extension under development and its tests from the page's address; it also hides toasts.
 */
export async function startServer({ vsix, driver = false, env = {}, settings = {} }) {
  const host = await ensureHost();
  const node = join(host, 'node');
  const main = join(host, 'vscode/out/server-main.js');
  const { path: data, remove } = temporaryFolder('lockstep-vscode');
  mkdirSync(join(data, 'user/User'), { recursive: true });
  writeFileSync(join(data, 'user/User/settings.json'), JSON.stringify({ ...SETTINGS, ...settings }));
  const common = [
    '--server-data-dir',
    data,
    '--user-data-dir',
    join(data, 'user'),
    '--extensions-dir',
    join(data, 'ext'),
  ];
  common.push('--accept-server-license-terms');
  await run(node, [main, ...common, '--install-extension', resolve(vsix), '--force']);
  const token = randomUUID();
  const flags = [
    '--telemetry-level',
    'off',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
  ];
  if (driver)
    flags.push(
      '--enable-smoke-test-driver',
      '--enable-remote-auto-shutdown',
      '--reconnection-grace-time',
      '10',
    );
  const { child, end } = spawnGuarded(
    node,
    [main, ...common, '--host', '127.0.0.1', '--port', '0', '--connection-token', token, ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TMPDIR: data,
        XDG_RUNTIME_DIR: data,
        EXTENSIONS_GALLERY: '{"serviceUrl":""}',
        ...env,
      },
    },
  );
  const port = await listening(child);
  return {
    /** The authority of the files that it serves. */
    authority: `127.0.0.1:${port}`,
    /** The address that opens a folder; `payload` are the workbench's own start options. */
    url(folder, payload = []) {
      const query = new URLSearchParams({
        tkn: token,
        folder: resolve(folder),
        payload: JSON.stringify(payload),
      });
      return `http://127.0.0.1:${port}/?${query}`;
    },
    /** A file's address inside the workbench. */
    remote: (file) => `vscode-remote://127.0.0.1:${port}${resolve(file)}`,
    /** Resolves when the server ends by itself. */
    ended: new Promise((done) => child.once('exit', done)),
    stop() {
      end();
      remove();
    },
  };
}

function listening(child) {
  return new Promise((done, fail) => {
    let output = '';
    const read = (data) => {
      output += data;
      const found = /agent listening on (\d+)/.exec(output);
      if (found) done(Number(found[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the VS Code server ended with status ${code}:\n${output}`)));
  });
}
