// Runs the checks and the tests, and says plainly what ran.
//   npm test                                 everything
//   npm test -- lint typecheck               these stages only
//   npm test -- unit test/machine            the tests under a folder, or one file
//   npm test -- unit --grep "a title"        the tests whose title matches
//   npm test -- vscode --desktop             in a desktop VS Code
import { parseArgs } from 'node:util';
import { STAGES } from './stages.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, desktop: { type: 'boolean' }, 'no-build': { type: 'boolean' } },
});
const names = positionals.filter((word) => Object.hasOwn(STAGES, word));
const paths = positionals.filter((word) => !Object.hasOwn(STAGES, word));
const wanted = new Set(names.length > 0 ? names : Object.keys(STAGES));
const needBuild = ['unit', 'clients', 'vscode'].some((name) => wanted.has(name));
if (needBuild && !options['no-build']) wanted.add('build');

const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;
const results = [];
let built = true;
for (const [name, { title, run, needsBuild }] of Object.entries(STAGES)) {
  if (!wanted.has(name)) continue;
  console.log(`\n=== ${name}: ${title}`);
  const from = performance.now();
  let result;
  try {
    if (needsBuild && !built) throw new Error('not run, because the build failed');
    result = (await run({ ...options, paths })) ?? { passed: 1, failed: 0 };
  } catch (error) {
    console.error(`error: ${error.message}`);
    result = { passed: 0, failed: 1 };
  }
  if (name === 'build') built = result.failed === 0;
  results.push({ name, ...result, time: seconds(from) });
}

console.log('\n=== summary');
for (const { name, passed, failed, time } of results) {
  console.log(
    `${name.padEnd(10)} ${String(passed).padStart(5)} passed ${String(failed).padStart(5)} failed ${time.padStart(9)}`,
  );
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
