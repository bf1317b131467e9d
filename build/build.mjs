// Makes dist/: `npm run build`.
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { bundle, ROOT } from './bundle.mjs';
import { generate } from './generate.mjs';
import { runMain } from './progress.mjs';

const at = (...path) => resolve(ROOT, ...path);

/** The programs: where each starts, and what is not bundled into it. */
const PROGRAMS = [
  {
    entry: 'adapter/cli/main.ts',
    out: 'dist/lockstep.js',
    options: {
      banner: { js: '#!/usr/bin/env node' },
      alias: { 'vscode-languageserver-protocol': at('build/lsp-names.mjs') },
    },
  },
  { entry: 'adapter/language/server/main.ts', out: 'dist/language-server.js' },
  { entry: 'extension/main.ts', out: 'dist/extension.js', options: { external: ['vscode'] } },
];

// Names are kept: they are shown in stack traces, and cost less than a megabyte.
const SMALL = { minifySyntax: true, minifyWhitespace: true };

/** Builds everything that is shipped into dist/, from nothing. */
export async function build() {
  generate();
  rmSync(at('dist'), { recursive: true, force: true });
  await Promise.all(
    PROGRAMS.map(({ entry, out, options }) =>
      bundle({ ...SMALL, entryPoints: [entry], outfile: out, ...options }),
    ),
  );
  chmodSync(at('dist/lockstep.js'), 0o755);
  // The debugger shows the models' own source.
  cpSync(at('adapter/emulator'), at('dist/model'), {
    recursive: true,
    filter: (path) => !/\.(?!ts$)[a-z]+$/.test(path),
  });
}

if (import.meta.filename === resolve(process.argv[1])) runMain(build);
