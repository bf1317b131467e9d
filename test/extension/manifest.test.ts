import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { ATTRIBUTES } from '../../adapter/session/launch.js';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const [lockstep] = manifest.contributes.debuggers;
const documented: string[] = Object.keys(lockstep.configurationAttributes.launch.properties);

/** Attributes that are VS Code's or the extension's own business: the adapter never sees or never documents them. */
const OURS = ['trace'];
const EDITORS = ['noDebug'];

/** The names that the adapter reads from a launch configuration. */
function readByTheAdapter(): string[] {
  const names: string[] = [];
  const spy = new Proxy({}, { get: (_, name) => void names.push(String(name)) });
  ATTRIBUTES(spy, '', (path) => new Error(path));
  return names;
}

describe('the manifest', () => {
  it('documents the launch attributes that the adapter reads', () => {
    const expected = [...readByTheAdapter().filter((name) => !EDITORS.includes(name)), ...OURS];
    assert.deepEqual([...documented].sort(), expected.sort());
  });

  it('has a row in the README for each launch attribute', () => {
    const readme = readFileSync('README.md', 'utf8');
    const table = readme.slice(readme.indexOf('## Launch attributes'));
    const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);
    assert.deepEqual(rows.sort(), [...documented].sort());
  });

  it('offers only configurations that use documented attributes', () => {
    const bodies = lockstep.configurationSnippets.map((snippet: { body: object }) => snippet.body);
    const known = ['type', 'request', 'name', ...documented];
    for (const body of [...bodies, ...lockstep.initialConfigurations]) {
      assert.deepEqual(
        Object.keys(body).filter((name) => !known.includes(name)),
        [],
      );
    }
  });

  it('names only files that are there', () => {
    const { languages, grammars, snippets } = manifest.contributes;
    const files = [...grammars, ...snippets].map(({ path }: { path: string }) => path);
    for (const { configuration, icon } of languages) files.push(configuration, icon.light, icon.dark);
    assert.deepEqual(
      [...files, manifest.icon].filter((file) => !existsSync(file)),
      [],
    );
  });
});
