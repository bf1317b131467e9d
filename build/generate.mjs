// Generates the parser's tables and the syntax tree's types from the grammar: `npm run generate`, and part of every build.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from './bundle.mjs';

const SOURCES = ['adapter/language/lockstep.langium', 'langium-config.json', 'package-lock.json'];
const OUTPUT = 'adapter/language/generated/grammar.ts';

const age = (file) => (existsSync(resolve(ROOT, file)) ? statSync(resolve(ROOT, file)).mtimeMs : 0);

/** Runs Langium's generator when the grammar, its configuration or the lock file are newer than what is there. */
export function generate({ force = false } = {}) {
  if (!force && age(OUTPUT) > Math.max(...SOURCES.map(age))) return;
  const cli = resolve(ROOT, 'node_modules/langium-cli/bin/langium.js');
  const run = spawnSync(process.execPath, [cli, 'generate'], { cwd: ROOT, encoding: 'utf8' });
  if (run.status !== 0)
    throw new Error(`langium generate failed:\n${run.stdout}${run.stderr}${run.error ?? ''}`);
}

if (import.meta.filename === resolve(process.argv[1])) generate({ force: true });
