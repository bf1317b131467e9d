// Makes the extension's package, lockstep-<version>.vsix: `npm run package`.
import { resolve } from 'node:path';
import { build } from './build.mjs';
import { MANIFEST, ROOT } from './bundle.mjs';
import { run } from './children.mjs';
import { phase, runMain } from './progress.mjs';

/** The package's file. */
export const VSIX = resolve(ROOT, `${MANIFEST.name}-${MANIFEST.version}.vsix`);

/** Packs what is in dist/ and returns the package's file. What goes into it is listed in .vscodeignore. */
export async function pack() {
  const vsce = resolve(ROOT, 'node_modules/@vscode/vsce/vsce');
  // Everything is bundled, so node_modules is not looked at; links in the README stay as they are.
  const options = [
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--no-update-package-json',
  ];
  await run(process.execPath, [vsce, 'package', ...options, '--out', VSIX], { cwd: ROOT });
  return VSIX;
}

if (import.meta.filename === resolve(process.argv[1])) {
  runMain(async () => {
    await phase('Building', build);
    await phase('Packing', pack);
    console.log(VSIX);
  });
}
