import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { ATTRIBUTES } from '../../adapter/session/launch.js';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const [lockstep] = manifest.contributes.debuggers;
const documented: string[] = Object.keys(lockstep.configurationAttributes.launch.properties);

/** A command as the manifest describes it. */
interface Command {
  readonly command: string;
  readonly title: string;
  readonly category?: string;
  readonly icon?: string | { readonly light: string; readonly dark: string };
}

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

  it('gives every command a title of ours and an icon, and every menu a command that is there', () => {
    const { commands, menus } = manifest.contributes;
    const rows: Command[] = commands;
    assert.deepEqual(
      rows.filter(({ category, title, icon }) => category !== 'Lockstep' || !title || !icon),
      [],
    );
    const items: { command: string }[] = Object.values<{ command: string }[]>(menus).flat();
    const known = rows.map(({ command }) => command);
    assert.deepEqual(
      items.filter(({ command }) => !known.includes(command)),
      [],
    );
  });

  it('names only files that are there', () => {
    const { languages, grammars, snippets } = manifest.contributes;
    const files = [...grammars, ...snippets].map(({ path }: { path: string }) => path);
    for (const { configuration, icon } of languages) files.push(configuration, icon.light, icon.dark);
    for (const { icon } of manifest.contributes.commands as Command[])
      if (typeof icon === 'object') files.push(icon.light, icon.dark);
    assert.deepEqual(
      [...files, manifest.icon].filter((file) => !existsSync(file)),
      [],
    );
  });
});
