// What every bundle of this project has in common: the shipped ones (build.mjs) and those of the tests (test.mjs).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { debugInfo } from './debug-info.mjs';

/** The folder of the project. */
export const ROOT = resolve(import.meta.dirname, '..');

/** The manifest, which is the only place that knows the version. */
export const MANIFEST = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));

/** The oldest Node.js that everything must run on. */
export const NODE_TARGET = 'node20';

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: NODE_TARGET,
  format: 'cjs',
  // Packages that have both are taken as ES modules: those can be shaken, and UMD wrappers hide their requires.
  mainFields: ['module', 'main'],
  sourcemap: 'linked',
  define: {
    LOCKSTEP_VERSION: JSON.stringify(MANIFEST.version),
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  plugins: [debugInfo],
  logLevel: 'silent',
};

/** Bundles with esbuild. Throws with esbuild's own report when that fails. */
export async function bundle({ plugins = [], ...options }) {
  try {
    return await esbuild.build({ ...COMMON, ...options, plugins: [...COMMON.plugins, ...plugins] });
  } catch (error) {
    if (!error.errors) throw error;
    const report = await esbuild.formatMessages(error.errors, {
      kind: 'error',
      color: process.stderr.isTTY,
      terminalWidth: 110,
    });
    throw new Error(`the bundle failed:\n${report.join('\n')}`, { cause: error });
  }
}
