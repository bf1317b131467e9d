/** Access tracking without accessed bits (`fpf: acc-track`, `eptad: off`). */
import assert from 'node:assert/strict';
import { FAST_PAGE_FAULT } from '../../../adapter/emulator/mmu/events.js';
import { type Page, pfn_to_page } from '../../../adapter/emulator/mmu/structures/host.js';
import { spteText } from '../../../adapter/emulator/mmu/structures/spt.js';
import { Vm } from './rig.js';

const PAGE3 = 0x3000;
const tracking = { profile: 'acctrack-4.12', eptad: 'off' };
const names = (vm: Vm, gfn: number) => {
  const { value, level } = vm.spte(gfn);
  return spteText(value, vm.kvm.bits, level, gfn).split(' ').slice(1, 2).join();
};

describe('mmu: access tracking', () => {
  it('an aged entry keeps its frame, and the hardware cannot go through it', () => {
    const vm = new Vm(tracking).memslot();
    vm.setup(vm.write(PAGE3, 1));
    const { pfn } = vm.spte(3);
    assert.equal(names(vm, 3), 'R');
    assert.deepEqual(vm.setup(vm.mm('age', { hva: PAGE3 })), [true]);
    assert.equal(names(vm, 3), 'track');
    assert.equal(vm.spte(3).value & 7n, 0n);
    assert.deepEqual([vm.spte(3).present, vm.spte(3).pfn], [true, pfn]);
    assert.notEqual(vm.vcpu().requests, 0n);
    vm.listen(FAST_PAGE_FAULT);
    assert.deepEqual(vm.setup(vm.read(PAGE3)), [1n]);
    assert.equal(vm.events.length, 1);
    assert.deepEqual([names(vm, 3), vm.spte(3).writable, vm.spte(3).executable], ['R', false, true]);
  });

  it('what the guest has written is not lost with W', () => {
    const vm = new Vm(tracking).memslot();
    vm.setup(vm.write(PAGE3, 7), vm.mm('writeback', { hva: PAGE3 }), vm.write(PAGE3, 8));
    vm.setup(vm.mm('age', { hva: PAGE3 }), vm.mm('swap_out', { hva: PAGE3 }));
    assert.deepEqual(vm.setup(vm.read(PAGE3)), [8n]);
  });

  it('a page that goes while nobody has used it since counts as unused', () => {
    for (const used of [false, true]) {
      const vm = new Vm(tracking).memslot();
      vm.setup(vm.write(PAGE3, 1), vm.mm('age', { hva: PAGE3 }));
      const page = pfn_to_page(vm.host, vm.spte(3).pfn) as Page;
      page.PageAccessed = false;
      if (used) vm.setup(vm.read(PAGE3));
      vm.setup(vm.mm('unmap', { hva: PAGE3 }));
      assert.equal(page.PageAccessed, used);
    }
  });

  it('an absent page is left to the slow path, and so is a store to one that may not be written', () => {
    const vm = new Vm(tracking).memslot(2 ** 20, { readonly_host: true });
    vm.setup(vm.read(PAGE3), vm.mm('age', { hva: PAGE3 }), vm.write(PAGE3, 1));
    const { fast_pf, slow_pf } = vm.kvm.emulator_stat.exits_by_reason;
    assert.deepEqual([fast_pf, slow_pf], [0, 2]);
    assert.equal(vm.spte(3).writable, true);
  });

  it('hardware that notes accesses is used as ever', () => {
    const vm = new Vm({ profile: 'acctrack-4.12' }).memslot();
    vm.setup(vm.write(PAGE3, 1));
    assert.deepEqual(vm.setup(vm.mm('age', { hva: PAGE3 }), vm.mm('age', { hva: PAGE3 })), [true, false]);
    assert.deepEqual([names(vm, 3), vm.spte(3).accessed], ['R', false]);
  });
});
