// Runs compiled tests with Mocha, in Node.js or inside VS Code's extension host, and says how many passed and failed.
const { default: imported, ...rest } = require('mocha');
const Mocha = imported ?? rest.default ?? require('mocha'); // the shape depends on the version of Node.js

/** A skipped or an exclusive test is a failure: what should run must run. */
const STRICT = { ui: 'bdd', forbidOnly: true, forbidPending: true };

/**
 * @param {string} file the compiled tests
 * @param {{ timeout: number, color: boolean, grep?: string }} options timeout of one test in milliseconds
 * @returns {Promise<{ passed: number, failed: number }>}
 */
exports.runMocha = async (file, { timeout, color, grep }) => {
  const mocha = new Mocha({ ...STRICT, timeout, color, grep });
  mocha.addFile(file);
  await mocha.loadFilesAsync();
  return new Promise((done) => {
    const runner = mocha.run(() => {
      const { passes, failures } = runner.stats;
      // A grep that finds nothing, or a bundle without tests, has not tested anything.
      const empty = passes + failures === 0;
      if (empty) console.error('  no test was found');
      done({ passed: passes, failed: failures + (empty ? 1 : 0) });
    });
  });
};
