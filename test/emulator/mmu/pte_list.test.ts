/** Chains of spte pointers behave as sets, and keep to their encoding. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  pte_list_add,
  pte_list_items,
  pte_list_remove,
  rmap_get_first,
  rmap_get_next,
} from '../../../adapter/emulator/mmu/pte_list.js';
import type { PteListDesc } from '../../../adapter/emulator/mmu/structures/mmu_page.js';
import { Rmap } from '../../../adapter/emulator/mmu/structures/rmap_array.js';
import { Vm } from './rig.js';

function chain() {
  const vm = new Vm();
  vm.vcpu().arch.mmu_pte_list_desc_cache.nobjs = 1000;
  const head = { obj: new Rmap(1), slot: 0 };
  return { vm, head, add: (n: number) => pte_list_add(vm.vcpu(), n, head), value: () => head.obj.$get(0) };
}

describe('mmu: pte lists', () => {
  it('is empty, one pointer, or nodes of three', () => {
    const { head, add, value } = chain();
    assert.equal(value(), 0);
    assert.equal(add(8), 0);
    assert.equal(value(), 8);
    assert.equal(add(16), 1);
    assert.deepEqual([add(24), add(32), add(40)], [2, 3, 4]);
    const desc = value() as PteListDesc;
    assert.deepEqual(
      [0, 1, 2].map((i) => desc.sptes.$get(i)),
      [8, 16, 24],
    );
    assert.deepEqual(
      [0, 1, 2].map((i) => desc.more?.sptes.$get(i)),
      [32, 40, 0],
    );
    pte_list_remove(16, head);
    // The last pointer of the same node fills the hole.
    assert.deepEqual(
      [0, 1, 2].map((i) => desc.sptes.$get(i)),
      [8, 24, 0],
    );
    pte_list_remove(32, head);
    pte_list_remove(40, head);
    assert.equal(desc.more, null);
    pte_list_remove(8, head);
    pte_list_remove(24, head);
    assert.equal(value(), 0);
  });

  it('has what was added and not removed, in every order', () => {
    const ops = fc.array(fc.record({ add: fc.boolean(), n: fc.integer({ min: 1, max: 20 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(ops, (list) => {
        const { head, add } = chain();
        const model = new Set<number>();
        for (const o of list) {
          if (o.add && !model.has(o.n)) {
            add(o.n);
            model.add(o.n);
          } else if (!o.add && model.delete(o.n)) pte_list_remove(o.n, head);
          const walked: number[] = [];
          for (let p = rmap_get_first(head); p !== 0; p = rmap_get_next(head, p)) walked.push(p);
          assert.deepEqual(walked, pte_list_items(head.obj.$get(0)));
          assert.deepEqual(
            [...walked].sort((a, b) => a - b),
            [...model].sort((a, b) => a - b),
          );
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('removing what is not there is a BUG', () => {
    const { head, add } = chain();
    assert.throws(() => pte_list_remove(8, head), /kernel BUG: pte_list_remove: the list is empty/);
    add(8);
    assert.throws(() => pte_list_remove(16, head), /another spte/);
    add(24);
    assert.throws(() => pte_list_remove(16, head), /not in the list/);
  });
});
