// What VS Code loads as the extension's tests (`extensionTestsPath`): runs the bundle that SUITE_FILE names inside the extension
// host, writes what the tests print to SUITE_LOG and their counts to SUITE_RESULT.
const { appendFileSync, writeFileSync } = require('node:fs');
const { format } = require('node:util');

exports.run = async () => {
  const { SUITE_FILE, SUITE_GREP, SUITE_LOG, SUITE_RESULT } = process.env;
  const write = (...values) => appendFileSync(SUITE_LOG, `${format(...values)}\n`);
  // A plain assignment to a method of console is ignored in the extension host.
  for (const method of ['log', 'info', 'warn', 'error'])
    Object.defineProperty(console, method, { value: write });
  const { runMocha } = require('../mocha.cjs'); // only now: Mocha keeps the console.log that it finds
  const result = await runMocha(SUITE_FILE, { timeout: 20_000, color: false, grep: SUITE_GREP || undefined });
  writeFileSync(SUITE_RESULT, JSON.stringify(result));
};
