/** What the host does to guest memory. */
import assert from 'node:assert/strict';
import { KVM_AGE_PAGE } from '../../../adapter/emulator/mmu/events.js';
import { Vm } from './rig.js';

const P = 0x3000;

describe('mmu: host', () => {
  it('a discarded page is zero, a swapped one comes back', () => {
    const vm = new Vm().memslot();
    assert.deepEqual(
      vm
        .setup(
          vm.write(P, 1),
          vm.mm('swap_out', { hva: P }),
          vm.read(P),
          vm.mm('unmap', { hva: P }),
          vm.read(P),
        )
        .filter((r) => typeof r === 'bigint'),
      [1n, 0n],
    );
  });

  it('a page that was only read is dropped without being written back', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.read(P), vm.mm('swap_out', { hva: P }));
    assert.equal(vm.host.swap.get(3), undefined);
    vm.setup(vm.write(P, 1), vm.mm('swap_out', { hva: P }));
    assert.deepEqual(vm.host.swap.get(3), [[0, 1n]]);
  });

  it('tells use from no use', () => {
    const vm = new Vm().memslot();
    vm.listen(KVM_AGE_PAGE);
    const age = vm.mm('age', { hva: P });
    const test = vm.mm('test_age', { hva: P });
    assert.deepEqual(
      vm
        .setup(age, vm.read(P), test, test, age, age, test, vm.read(P), age)
        .filter((r) => typeof r === 'boolean'),
      [false, true, true, true, false, false, true],
    );
    assert.equal(vm.events[1]?.type.format?.(vm.events[1].values), 'kvm_age_page: hva 3000 gfn 3 YOUNG');
    // Without an accessed bit a mapping counts as used, and is removed.
    const blind = new Vm({ eptad: 'off' }).memslot();
    const results = blind.setup(blind.read(P), blind.mm('test_age', { hva: P }), blind.mm('age', { hva: P }));
    assert.deepEqual(results.slice(1), [false, true]);
    assert.equal(blind.spte(3).present, false);
  });

  it('a read-only page is made writable in place, or copied when it is shared', () => {
    for (const shared of [false, true]) {
      const vm = new Vm().memslot();
      vm.setup(vm.write(P, 1), vm.mm('make_readonly', { hva: P, shared }), vm.read(P));
      assert.deepEqual([vm.spte(3).writable, vm.spte(3).host_writeable], [false, false]);
      const { pfn } = vm.spte(3);
      vm.setup(vm.write(P + 8, 2));
      assert.equal(vm.spte(3).pfn !== pfn, shared);
      assert.equal(vm.spte(3).writable, true);
      assert.deepEqual(vm.setup(vm.read(P)), [1n]);
    }
  });

  it('change_pte points read-only mappings to the new frame, and drops writable ones', () => {
    for (const readonly of [true, false]) {
      const vm = new Vm().memslot();
      vm.setup(vm.write(P, 1));
      const { pfn } = vm.spte(3);
      vm.setup(vm.mm('change_pte', { hva: P, readonly }));
      const now = vm.spte(3);
      assert.equal(now.present, readonly);
      if (readonly)
        assert.deepEqual(
          [now.pfn !== pfn, now.writable, now.host_writeable, now.mmu_writeable],
          [true, false, false, true],
        );
      assert.deepEqual(vm.setup(vm.read(P)), [1n]);
      assert.notEqual(vm.machine.phys.frame(pfn)?.freed, null);
    }
  });

  it('huge pages form and split under the guest', () => {
    const vm = new Vm().memslot(2 ** 22);
    vm.setup(vm.write(P, 1), vm.write(0, 2));
    assert.equal(vm.spte(3).level, 1);
    vm.setup(vm.mm('collapse', { hva: P }), vm.read(P));
    assert.equal(vm.spte(3).level, 2);
    assert.equal(vm.spte(3).pfn % 512, 0);
    vm.setup(vm.write(P + 8, 3), vm.mm('split', { hva: P }));
    assert.equal(vm.spte(3).present, false);
    assert.deepEqual(vm.setup(vm.read(P), vm.read(P + 8), vm.read(0)), [1n, 3n, 2n]);
    assert.equal(vm.spte(3).level, 1);
    assert.throws(vm.mm('collapse', { hva: 2 ** 22 - 4096 + 2 ** 22 }), /is not mapped/);
  });

  it('hugetlb pages are mapped large from the start; a misaligned slot forbids it', () => {
    const vm = new Vm().memslot(2 ** 21, { hugetlb: true });
    vm.setup(vm.write(P, 1));
    assert.equal(vm.spte(3).large, true);
    const bent = new Vm();
    bent.setup(bent.vm('memslot', { base: 0x1000, size: 2 ** 22, huge: true, hva: 0 }), bent.write(P, 1));
    assert.equal(bent.spte(3).level, 1);
  });

  it('two slots may lie on the same memory', () => {
    const vm = new Vm().memslot(2 ** 16);
    vm.setup(vm.vm('memslot', { base: 2 ** 20, size: 2 ** 16, hva: 0 }), vm.write(P, 1));
    assert.deepEqual(vm.setup(vm.read(2 ** 20 + P)), [1n]);
    vm.setup(vm.mm('swap_out', { hva: P }));
    assert.deepEqual([vm.spte(3).present, vm.spte(256 + 3).present], [false, false]);
  });
});

describe('mmu: memory slots', () => {
  it('a deleted slot is no memory any more, and its log cannot be asked for', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(P, 1), vm.vm('delete_memslot', { slot: vm.slot }));
    assert.equal(vm.slot.exists, false);
    assert.deepEqual(vm.setup(vm.read(P)), [0n]);
    assert.equal(vm.vcpu().stat.mmio_exits, 1);
    assert.throws(vm.harvest(), /memory slot 0 has been deleted/);
  });

  it('deleting waits for those who look at slots', () => {
    const vm = new Vm().memslot();
    const v0 = vm.thread('v0', 0, vm.write(P, 1));
    const u = vm.thread('u', 1, vm.vm('delete_memslot', { slot: vm.slot }));
    vm.to(v0, 'tdp_page_fault');
    assert.equal(vm.blocked(u), false);
    assert.equal(u.describe(), 'waits for readers of kvm.srcu');
    while (!(v0.ended && u.ended))
      assert.ok(vm.step(v0) || vm.step(u) || vm.machine.threads.some((d) => d.daemon && vm.step(d)));
    assert.equal(vm.slot.exists, false);
  });

  it('reclaims shadow pages when there are too many', () => {
    const vm = new Vm({ mmu_pages: 32 }).memslot(2 ** 26);
    for (let k = 0; k < 32; k++) vm.setup(vm.write(k * 2 ** 21, k));
    assert.ok(vm.kvm.stat.mmu_recycled > 0);
    assert.ok(vm.kvm.arch.n_used_mmu_pages <= 32);
    assert.deepEqual(vm.setup(vm.read(0), vm.read(5 * 2 ** 21)), [0n, 5n]);
  });
});
