/** Dirty logging: what is reported, in every order of harvesting, and what happens to large pages. */
import assert from 'node:assert/strict';
import { Vm } from './rig.js';

const ORDERS = [
  'xchg-locked-flush',
  'xchg-unlocked-flush',
  'rmap-unlocked-flush',
  'swap-then-protect',
  'protect-then-swap',
];

describe('mmu: dirty log', () => {
  for (const dirtylog of ORDERS)
    it(`reports each written page once (${dirtylog})`, () => {
      const vm = new Vm({ dirtylog }).memslot(2 ** 20, { dirty_log: true });
      const reports = vm.setup(
        vm.write(0x3000, 1),
        vm.write(100 * 4096, 1),
        vm.harvest(),
        vm.harvest(),
        vm.write(0x3000, 2),
        vm.write(0x3008, 3),
        vm.harvest(),
        vm.mm('write_guest', { gpa: 0x5000, value: 1 }),
        vm.mm('write_guest', { gpa: 0x6000, value: 1, mark: true }),
        vm.harvest(),
      );
      assert.deepEqual(
        [2, 3, 6, 9].map((i) => Vm.pages(reports[i])),
        [[3, 100], [], [3], [6]],
      );
      assert.equal(vm.spte(3).writable, false);
      assert.deepEqual([vm.spte(3).host_writeable, vm.spte(3).mmu_writeable], [true, true]);
    });

  it('protects and flushes in the order of the kernel that is modelled', () => {
    const order = (dirtylog: string) => {
      const vm = new Vm({ dirtylog }).memslot(2 ** 18, { dirty_log: true });
      vm.setup(vm.write(0x3000, 1));
      const steps = vm.steps(vm.thread('m', 1, vm.harvest()));
      const marks: Record<string, string> = {
        'XCHG bitmap[0]': 'take',
        'W memslots': 'publish',
        'XCHG spte1': 'protect',
        'R tlbs_dirty': 'flush',
        'unlock mmu_lock': 'unlock',
      };
      return steps.map((s) => marks[s]).filter((s) => s !== undefined);
    };
    assert.deepEqual(order('xchg-locked-flush'), ['take', 'protect', 'flush', 'unlock']);
    assert.deepEqual(order('xchg-unlocked-flush'), ['take', 'protect', 'unlock', 'flush']);
    assert.deepEqual(order('rmap-unlocked-flush'), ['publish', 'protect', 'unlock', 'flush']);
    assert.deepEqual(order('swap-then-protect'), ['publish', 'protect', 'flush', 'unlock']);
    assert.deepEqual(order('protect-then-swap'), ['protect', 'flush', 'unlock', 'publish']);
  });

  it('enabling the log drops large writable mappings, which come back as small ones', () => {
    const vm = new Vm().memslot(2 ** 22, { huge: true });
    vm.setup(vm.write(5 * 4096, 1));
    assert.deepEqual([vm.spte(5).large, vm.spte(5).level, vm.kvm.stat.lpages], [true, 2, 1]);
    assert.equal(vm.tlb(7)?.level, 2);
    vm.setup(vm.vm('enable_dirty_log', { slot: vm.slot }));
    assert.deepEqual([vm.spte(5).present, vm.kvm.stat.lpages, vm.slot.flags], [false, 0, 1n]);
    vm.setup(vm.write(5 * 4096, 2), vm.read(7 * 4096));
    assert.deepEqual([vm.spte(5).level, vm.spte(5).writable], [1, true]);
    assert.deepEqual(vm.setup(vm.read(5 * 4096)), [2n]);
    assert.ok(vm.marked().includes(5));
  });

  it('other ways to enable the log', () => {
    const enabled = (enable_log: string) => {
      const vm = new Vm({ enable_log }).memslot(2 ** 22, { huge: true });
      vm.setup(vm.write(5 * 4096, 1), vm.vm('enable_dirty_log', { slot: vm.slot }));
      return [vm.spte(5).present, vm.spte(5).large && vm.spte(5).writable, vm.kvm.stat.mmu_shadow_zapped];
    };
    const created = 3;
    assert.deepEqual(enabled('drop-large'), [false, false, 0]);
    assert.deepEqual(enabled('keep-large'), [true, false, 0]);
    assert.deepEqual(enabled('zap-shadow'), [false, false, created]);
  });

  it('enabling it twice changes nothing', () => {
    const vm = new Vm().memslot();
    const enable = vm.vm('enable_dirty_log', { slot: vm.slot });
    vm.setup(enable, vm.write(0x3000, 1), enable);
    assert.deepEqual(vm.marked(), [3]);
  });

  it('write protection of the whole slot', () => {
    const vm = new Vm().memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1), vm.vm('slot_remove_write_access', { slot: vm.slot }));
    assert.equal(vm.spte(3).writable, false);
    assert.deepEqual(vm.marked(), [3]);
  });
});
