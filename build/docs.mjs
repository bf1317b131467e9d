// Writes docs/reference/ from the declarations of the subsystems and from the scenarios: `npm run docs`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { bundle, ROOT } from './bundle.mjs';
import { runMain } from './progress.mjs';

const ENTRY = `export { catalogues } from './adapter/language/catalogue.js';
export { headlines } from './adapter/language/headlines.js';
export { referenceOf } from './adapter/language/reference.js';
export { subsystems } from './adapter/emulator/registry.js';`;

runMain(async () => {
  const out = resolve(ROOT, 'out/docs.cjs');
  await bundle({ stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' }, outfile: out });
  const { catalogues, headlines, referenceOf, subsystems } = createRequire(import.meta.url)(out);
  const folder = resolve(ROOT, 'docs/reference');
  mkdirSync(folder, { recursive: true });
  for (const s of subsystems) writeFileSync(resolve(folder, `${s.name}.md`), referenceOf(s));
  for (const [name, text] of [...catalogues(ROOT), ...headlines(ROOT)])
    writeFileSync(resolve(folder, name), text);
});
