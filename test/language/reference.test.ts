import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { subsystems } from '../../adapter/emulator/registry.js';
import { catalogues } from '../../adapter/language/catalogue.js';
import { headlines } from '../../adapter/language/headlines.js';
import { referenceOf } from '../../adapter/language/reference.js';

describe('generated reference', () => {
  for (const s of subsystems) {
    it(`docs/reference/${s.name}.md is what the declarations say (npm run docs)`, () => {
      const file = `docs/reference/${s.name}.md`;
      assert.ok(existsSync(file), `${file} is missing`);
      assert.equal(readFileSync(file, 'utf8'), referenceOf(s));
    });

    it(`everything that ${s.name} offers is documented`, () => {
      const undocumented = [
        ...[...s.operations, ...s.queries].flatMap((o) => [o, ...o.params]),
        ...s.globals,
        ...s.options,
        ...s.switches,
        ...s.profiles,
        ...s.invariants,
        ...s.structures,
      ].filter((x) => x.doc.trim().length < 8);
      assert.deepEqual(
        undocumented.map((x) => x.name),
        [],
      );
      const fields = s.structures.flatMap((t) =>
        Object.entries(t.fields).map(([n, f]) => [`${t.name}.${n}`, f.doc] as const),
      );
      assert.deepEqual(
        fields.filter(([, doc]) => doc.trim().length < 8).map(([n]) => n),
        [],
      );
    });
  }

  const tables = catalogues('.');
  for (const [name, text] of tables)
    it(`docs/reference/${name} is what the scenarios say (npm run docs)`, () =>
      assert.equal(readFileSync(`docs/reference/${name}`, 'utf8'), text));

  it('docs/reference/*-headlines.md are what the scenarios print (npm run docs)', () => {
    const pages = headlines('.');
    assert.deepEqual(
      pages.map(([name]) => name),
      ['mmu-headlines.md'],
    );
    for (const [name, text] of pages) assert.equal(readFileSync(`docs/reference/${name}`, 'utf8'), text);
  });

  it('every entry of a list that is declared whole has a scenario', () => {
    for (const [, text] of tables) assert.doesNotMatch(text, /^\| [^|]*: [^|]* \| none \|/m);
    const declared = subsystems.flatMap((s) => s.tags ?? []).flatMap((g) => Object.keys(g.entries ?? {}));
    assert.equal(declared.length, 13, 'the patches of the out-of-sync series');
  });

  it('a bug that is shown is shown in the kernel that has it, and in one that has not', () => {
    const rows = tables.flatMap(([, text]) => [...text.matchAll(/^\| ([A-G]-\d\d) \|.*\| (.*) \|$/gm)]);
    const endings = new Map<string, string[]>();
    for (const [, entry = '', end = ''] of rows) endings.set(entry, [...(endings.get(entry) ?? []), end]);
    assert.equal(endings.size, 78, 'the entries of section 12');
    for (const [entry, ends] of endings) {
      assert.ok(ends.includes('passes'), `${entry} has no scenario that passes`);
      assert.ok(
        ends.some((e) => e !== 'passes'),
        `${entry} has no scenario that ends badly`,
      );
    }
  });
});
