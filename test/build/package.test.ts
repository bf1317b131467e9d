import { strict as assert } from 'node:assert';
import { readdirSync, statSync } from 'node:fs';
import { pack } from '../../build/package.mjs';
import { namesInZip } from './zip.js';

const MODEL = readdirSync('adapter/emulator', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `dist/model/${file.replaceAll('\\', '/')}`);

describe('the .vsix package', () => {
  let vsix: string;
  before(async function () {
    this.timeout(60_000);
    vsix = await pack();
  });

  it('holds what the extension needs to run, and nothing else', () => {
    const files = namesInZip(vsix)
      .filter((name) => name.startsWith('extension/'))
      .map((name) => name.slice('extension/'.length));
    assert.deepEqual(
      files.sort(),
      [
        'LICENSE.txt',
        'changelog.md',
        'dist/extension.js',
        'dist/language-server.js',
        'dist/lockstep.js',
        ...MODEL,
        'icons/lockstep.png',
        'icons/lockstep.svg',
        'icons/scenario-dark.svg',
        'icons/scenario-light.svg',
        ...['into', 'out', 'over'].flatMap((kind) =>
          ['dark', 'light'].map((theme) => `icons/step-back-${kind}-${theme}.svg`),
        ),
        'language-configuration.json',
        'package.json',
        'readme.md',
        'snippets/lockstep.json',
        'syntaxes/lockstep.tmLanguage.json',
      ].sort(),
    );
  });

  it('is smaller than 3 MB', () => {
    assert.ok(statSync(vsix).size < 3_000_000, `${vsix} has ${statSync(vsix).size} bytes`);
  });
});
