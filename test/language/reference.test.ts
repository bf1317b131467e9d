import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { subsystems } from '../../adapter/emulator/registry.js';
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
});
