// Bundles tests and runs them in a process of their own.
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { bundle, ROOT } from './bundle.mjs';
import { spawnGroup } from './children.mjs';

const at = (...path) => resolve(ROOT, ...path);

/** What the tests load from node_modules as it is; the rest is bundled, as it is in what is shipped. */
const EXTERNAL = [
  '@babel/*',
  '@vscode/debugadapter-testsupport',
  'ajv',
  'esbuild',
  'fast-check',
  'mocha',
  'playwright-core',
  'typescript',
];

/** Longer than all tests together may take, and how long their process may linger after the last one; milliseconds. */
const PATIENCE = { all: 480_000, linger: 10_000 };

/** The test files under a folder, in one order everywhere. */
export function testFiles(folder) {
  return readdirSync(at(folder), { recursive: true })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
}

/** The build's own modules, which tests use too: not bundled, since they know the project's folder by where they are. */
const buildModules = {
  name: 'build-modules',
  setup({ onResolve }) {
    onResolve({ filter: /\/build\/.*\.mjs$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      external: true,
    }));
  },
};

/** Bundles test files into one, so that they share what they import as the program does. */
export async function bundleTests(files, outfile, options = {}) {
  const contents = files.map((file) => `import ${JSON.stringify(`./${file}`)};`).join('\n');
  const external = [...EXTERNAL, ...(options.external ?? [])];
  await bundle({
    plugins: [buildModules],
    stdin: { contents, resolveDir: ROOT, sourcefile: 'tests.ts' },
    outfile,
    ...options,
    external,
  });
  return at(outfile);
}

/** Bundles and runs test files in a process of their own. What it prints is `held` back to its end, where another one prints meanwhile. */
export async function runTests(files, outfile, { env = {}, held = false, ...options }) {
  const file = await bundleTests(files, outfile);
  const color = process.stdout.isTTY === true;
  const settings = JSON.stringify({ color, ...options });
  const { child, end } = spawnGroup(
    process.execPath,
    ['--enable-source-maps', at('build/mocha-child.mjs'), file, settings],
    {
      cwd: ROOT,
      stdio: ['ignore', held ? 'pipe' : 'inherit', held ? 'pipe' : 'inherit', 'ipc'],
      env: { ...process.env, ...(color ? {} : { NO_COLOR: '1' }), ...env },
    },
  );
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => output.push(data));
  let result;
  let slow;
  const limit = (time) => {
    clearTimeout(slow);
    slow = setTimeout(end, time);
  };
  limit(PATIENCE.all);
  child.once('message', (message) => {
    result = message;
    limit(PATIENCE.linger);
  });
  const status = await new Promise((done, fail) => {
    child.once('error', fail);
    child.once(held ? 'close' : 'exit', (code, signal) => done(signal ?? code));
  });
  for (const data of output) process.stdout.write(data);
  clearTimeout(slow);
  end();
  if (!result) throw new Error(`the tests ended with ${status} before the last one was through`);
  if (status === 0) return result;
  console.error(`error: the tests left something running, or ended with ${status}`);
  return { ...result, failed: result.failed + 1 };
}
