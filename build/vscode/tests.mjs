// The tests inside a real VS Code, with the extension installed from its package: those that use VS Code's own API run in the
// extension host (test/vscode/suite), those that do what a person does in the page run outside of it (test/vscode/ui).
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from '../bundle.mjs';
import { temporaryFolder } from '../children.mjs';
import { pack, VSIX } from '../package.mjs';
import { bundleTests, runTests, testFiles } from '../run-tests.mjs';
import { runInDesktop } from './desktop-tests.mjs';
import { ensureHost } from './host.mjs';
import { startServer } from './server.mjs';
import { openWorkbench } from './workbench.mjs';

/** How long the suite in the extension host may take, in milliseconds. */
const PATIENCE = 240_000;

/** VS Code runs tests only for an extension under development; ours is installed, so this empty one stands in for it. */
const DRIVER = { name: 'suite-driver', publisher: 'lockstep', version: '0.0.0', engines: { vscode: '*' } };

/** The stage `vscode` of `npm test`. With `desktop`, the suite runs in a desktop VS Code, and the page tests, which have no page, do not. */
export async function vscodeTests({ desktop, grep, paths }) {
  const chosen = (folder) =>
    testFiles(folder).filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path)));
  const [suite, ui] = [chosen('test/vscode/suite'), desktop ? [] : chosen('test/vscode/ui')];
  if (suite.length + ui.length === 0) throw new Error(`there are no such tests: ${paths.join(', ')}`);
  await pack();
  if (!desktop) await ensureHost();
  const results = [];
  if (suite.length > 0) results.push(await suiteTests(suite, { desktop, grep }));
  if (ui.length > 0) {
    console.log('\n  in the page');
    results.push(
      await runTests(ui, 'out/test/ui.cjs', { grep, timeout: 90_000, env: { LOCKSTEP_VSIX: VSIX } }),
    );
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  return { passed: sum('passed'), failed: sum('failed') };
}

async function suiteTests(files, { desktop, grep }) {
  const bundled = await bundleTests(files, 'out/test/suite.cjs', { external: ['vscode'] });
  const { path, remove } = temporaryFolder('lockstep-suite');
  const job = {
    folder: join(path, 'workspace'),
    driver: join(path, 'driver'),
    suite: resolve(ROOT, 'build/vscode/suite.cjs'),
    vsix: VSIX,
    env: {
      SUITE_FILE: bundled,
      SUITE_LOG: join(path, 'log'),
      SUITE_RESULT: join(path, 'result.json'),
      SUITE_GREP: grep ?? '',
    },
  };
  mkdirSync(job.driver);
  writeFileSync(join(job.driver, 'package.json'), JSON.stringify(DRIVER));
  cpSync(resolve(ROOT, 'scenarios'), job.folder, { recursive: true });
  try {
    const problem = await (desktop ? runInDesktop(job) : runInBrowser(job));
    if (existsSync(job.env.SUITE_LOG)) console.log(readFileSync(job.env.SUITE_LOG, 'utf8').trimEnd());
    if (existsSync(job.env.SUITE_RESULT)) return JSON.parse(readFileSync(job.env.SUITE_RESULT, 'utf8'));
    throw new Error(`the suite in the extension host gave no result: ${problem}`);
  } finally {
    remove();
  }
}

/** Returns what went wrong, should the suite have written no result. */
async function runInBrowser({ folder, driver, suite, vsix, env }) {
  const server = await startServer({ vsix, driver: true, env });
  let timer;
  const timeout = new Promise((done) => {
    timer = setTimeout(() => done(`nothing after ${PATIENCE / 1000} s`), PATIENCE);
  });
  let onExit;
  const exit = new Promise((done) => {
    onExit = (code) => done(`the workbench ended with status ${code}`);
  });
  const payload = [
    ['extensionDevelopmentPath', server.remote(driver)],
    ['extensionTestsPath', server.remote(suite)],
  ];
  try {
    const { errors, close } = await openWorkbench(server, { folder, payload, onExit });
    const problem = await Promise.race([exit, timeout]);
    await close();
    return [problem, ...errors].join('\n');
  } finally {
    clearTimeout(timer);
    server.stop();
  }
}
