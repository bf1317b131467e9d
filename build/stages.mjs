// The stages of `npm test`. Each returns its counts, or nothing when it is one check that passed; it throws when it failed.
import { resolve } from 'node:path';
import { build } from './build.mjs';
import { ROOT } from './bundle.mjs';
import { run } from './children.mjs';
import { generate } from './generate.mjs';
import { runTests, testFiles } from './run-tests.mjs';
import { onPath } from './vscode/path.mjs';
import { vscodeTests } from './vscode/tests.mjs';

const at = (...path) => resolve(ROOT, ...path);

/** Runs a tool of ours that fails when it finds something, and then says what. */
async function tool(file, ...args) {
  await run(process.execPath, [at('node_modules', file), ...args], { cwd: ROOT });
}

/** In this order they run. */
export const STAGES = {
  build: { title: 'dist/ from nothing', run: () => build() },
  lint: {
    title: 'Biome: format, rules, layers',
    run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--colors=off', '.'),
  },
  typecheck: {
    title: 'the TypeScript compiler',
    run() {
      generate();
      return tool('typescript/bin/tsc', '--noEmit');
    },
  },
  unit: { title: 'tests outside VS Code', needsBuild: true, run: unitTests },
  clients: { title: 'other debug clients, with the adapter in dist/', needsBuild: true, run: clientTests },
  vscode: {
    title: 'tests inside a real VS Code, with the packaged extension',
    needsBuild: true,
    run: vscodeTests,
  },
};

/** Tests with a client that somebody else has written. Throws when there is no Emacs. */
async function clientTests({ grep, paths }) {
  const files = testFiles('test/clients').filter(
    (file) => paths.length === 0 || paths.some((path) => file.startsWith(path)),
  );
  if (files.length === 0) throw new Error(`there are no such tests: ${paths.join(', ')}`);
  const emacs = process.env.EMACS ?? onPath('emacs');
  if (!emacs)
    throw new Error(
      'these tests need Emacs with dap-mode: install them (apt-get install emacs-nox elpa-dap-mode), or name Emacs in the environment variable EMACS',
    );
  return runTests(files, 'out/test/clients.cjs', {
    grep,
    timeout: 60_000,
    env: { LOCKSTEP_EMACS: emacs },
  });
}

async function unitTests({ paths, grep }) {
  const all = testFiles('test').filter((file) => !/^test\/(vscode|clients|bench)\//.test(file));
  const files =
    paths.length > 0
      ? all.filter((file) => paths.some((path) => file.startsWith(path.replace(/^\.\//, ''))))
      : all;
  if (files.length === 0)
    throw new Error(`there are no tests under ${paths.length > 0 ? paths.join(', ') : 'test/'}`);
  const options = { grep, timeout: 20_000 };
  // Where tests are chosen by their titles, nobody knows which half has any.
  if (grep !== undefined) return runTests(files, 'out/test/unit.cjs', options);
  const halves = [files.filter(isScenarioTest), files.filter((file) => !isScenarioTest(file))];
  const results = await Promise.allSettled(
    halves
      .filter((half) => half.length > 0)
      .map((half, n) => runTests(half, `out/test/unit-${n + 1}.cjs`, { ...options, held: n > 0 })),
  );
  for (const { reason } of results) if (reason) console.error(`error: ${reason.message}`);
  const sum = (key, otherwise) => results.reduce((all, { value }) => all + (value?.[key] ?? otherwise), 0);
  return { passed: sum('passed', 0), failed: sum('failed', 1) };
}

/** Tests that run every scenario take half of the time: they have a process of their own, beside that of all others. */
const isScenarioTest = (file) => /^test\/(language|scenarios)\//.test(file);
