/** Values with numbered elements: what is in use first, the rest by pages. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Bitmap, type Indexed, KArray, KObject, Machine } from '../../adapter/machine/index.js';
import type { Container, Row } from '../../adapter/session/variables/container.js';
import { childrenOf } from '../../adapter/session/variables/describe.js';

const rowsOf = (c: Container | undefined): Row[] => c?.named({}) ?? [];
const pageOf = (c: Container | undefined, start = 0, count = 1e9) => c?.page?.(start, count, {}) ?? [];

describe('numbered elements', () => {
  before(() => void new Machine());

  it('shows those in use by number, and the empty ones in a group', () => {
    const table = new KArray<number>(512, 0);
    table.put(17, 5);
    table.put(400, 6);
    const rows = rowsOf(childrenOf(table, { path: 'table' }));
    assert.deepEqual(
      rows.map((r) => [r.name, r.value, r.path]),
      [
        ['[17]', '5', 'table[17]'],
        ['[400]', '6', 'table[400]'],
        ['… 510 empty', '', undefined],
      ],
    );
    const empty = rows[2]?.children;
    assert.equal(empty?.indexed, 510);
    assert.deepEqual(
      pageOf(empty, 15, 4).map((r) => r.name),
      ['[15]', '[16]', '[18]', '[19]'],
    );
  });

  it('shows every element exactly once, whichever are in use', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 300 }), (used) => {
        const bits = new Bitmap(used.length);
        for (const [i, on] of used.entries())
          if (on) bits.put(Math.floor(i / 64), bits.at(Math.floor(i / 64)) | (1n << BigInt(i % 64)));
        const container = childrenOf(bits, {});
        const names = [...rowsOf(container), ...pageOf(container)].flatMap((r) => {
          assert.ok(r.children === undefined || r.name.startsWith('…'));
          return r.children === undefined ? [r.name] : pageOf(r.children).map((x) => x.name);
        });
        assert.deepEqual(new Set(names), new Set(used.map((_, i) => `[${i}]`)));
        assert.equal(names.length, used.length);
      }),
      { seed: 3 },
    );
  });

  it('never reads what is not shown', () => {
    class Huge extends KObject implements Indexed {
      reads = 0;
      readonly length = 1_000_000_000;
      get $name() {
        return 'huge';
      }
      element(i: number) {
        this.reads++;
        return i;
      }
      occupied() {
        this.reads++;
        return true;
      }
      $get() {
        return 0;
      }
      $set() {}
      $slotName() {
        return '';
      }
    }
    const huge = new Huge();
    const container = childrenOf(huge, {});
    assert.equal(container?.indexed, huge.length);
    assert.deepEqual(rowsOf(container), []);
    assert.deepEqual(
      pageOf(container, 999_999_990, 100).map((r) => r.value),
      Array.from({ length: 10 }, (_, k) => `${999_999_990 + k}`),
    );
    assert.equal(huge.reads, 10);
  });
});
