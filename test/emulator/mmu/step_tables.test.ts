/** The order of steps, row by row as in Annex A of the specification. */
import assert from 'node:assert/strict';
import { Vm } from './rig.js';

const REENTRY = ['R requests', 'W mode', 'barrier', 'R mode', 'R requests'];
const FLUSH_ONE = ['R tlbs_dirty', 'barrier', 'BIT requests', 'R cpu', 'barrier', 'CAS mode'];
const RELOAD_ONE = FLUSH_ONE.slice(2);
const IPI_ONE = ['IPI ipis_sent', 'wait: cpu 0 to handle an interrupt'];
const WALK = ['walks the tables', 'walks the tables', 'walks the tables', 'walks the tables'];

describe('mmu: step tables', () => {
  it('A.1: a slow store fault on an absent page', () => {
    const vm = new Vm().memslot(2 ** 20, { dirty_log: true });
    vm.setup(vm.op(vm.vcpu(), 'run'));
    const t = vm.thread('guest', 0, vm.write(0x3000, 1));
    assert.deepEqual(vm.steps(t), [
      'walks the tables', // 0: the root has no entry
      'W mode', // 1
      'barrier',
      'R memslots', // 2
      // 3: no write_count is read under dirty logging; 4: the code lacks P, so no fast path
      'R mmu_notifier_seq', // 5
      'R host pte', // 6, and the fault of the host
      'lock mmap_sem',
      'R host pte',
      'lock ptl',
      'W host pte',
      'unlock ptl',
      'R host pte',
      'unlock mmap_sem',
      'lock mmu_lock', // 7
      'R mmu_notifier_count', // 8
      'R mmu_notifier_seq',
      'R spte4', // 9
      'W spte4',
      'R spte3',
      'W spte3',
      'R spte2',
      'W spte2',
      'R spte1', // 10
      'BIT bitmap[0]', // 11
      'R spte1', // 12
      'W spte1',
      'R spte1', // a neighbour: the log forbids to map it
      'unlock mmu_lock', // 14
      ...REENTRY,
      ...WALK,
      'sets the A and D bits',
      'fills the TLB',
      'stores',
    ]);
    assert.equal(vm.vcpu().stat.pf_fixed, 1);
  });

  it('A.1: without a log the neighbours that the host has mapped are installed too', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0, 1), vm.write(0x1000, 1), vm.write(0x3000, 1), vm.vm('zap_all'), vm.read(0x3000));
    assert.equal(vm.spte(3).accessed, true);
    assert.equal(vm.spte(1).present, true);
    assert.equal(vm.spte(1).accessed, false);
    // The run ends at the first whose frame is not at hand.
    assert.equal(vm.spte(2).present, false);
  });

  it('A.2: a fast store fault', () => {
    const vm = new Vm().memslot(2 ** 20, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1), vm.harvest(), vm.op(vm.vcpu(), 'run'));
    const t = vm.thread('guest', 0, vm.write(0x3000, 2));
    assert.deepEqual(vm.steps(t), [
      ...WALK,
      'W mode', // 1
      'barrier',
      'R memslots', // 2
      'W mode', // 4
      'barrier',
      'R spte4', // 5..
      'R spte3',
      'R spte2',
      'R spte1',
      'CAS spte1', // n
      'R memslots', // n+1
      'BIT bitmap[0]',
      'R spte1', // n+2
      'barrier', // n+3
      'W mode',
      ...REENTRY,
      ...WALK,
      // A and D are still set: a harvest takes only W away
      'fills the TLB',
      'stores',
    ]);
    assert.equal(vm.vcpu().stat.pf_fixed, 1);
  });

  it('A.3: a harvest', () => {
    const vm = new Vm().memslot(128 * 4096, { dirty_log: true });
    vm.setup(vm.write(0x3000, 1));
    const t = vm.thread('migration', 1, vm.harvest());
    assert.deepEqual(vm.steps(t), [
      'lock slots_lock', // 1
      'R memslots',
      // 2: the snapshot half is private
      'lock mmu_lock', // 3
      'R bitmap[0]', // 4
      'XCHG bitmap[0]', // 5
      'R spte1', // 6
      'XCHG spte1',
      'R bitmap[1]',
      ...FLUSH_ONE, // 7
      ...IPI_ONE,
      'CAS tlbs_dirty',
      'unlock mmu_lock', // 8
      'unlock slots_lock',
    ]);
    const again = vm.thread('migration', 2, vm.harvest());
    assert.deepEqual(vm.steps(again), [
      'lock slots_lock',
      'R memslots',
      'lock mmu_lock',
      'R bitmap[0]',
      'R bitmap[1]',
      'unlock mmu_lock',
      'unlock slots_lock',
    ]);
  });

  it('A.8: invalidate_page', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1));
    const t = vm.thread('swap', 1, vm.mm('swap_out', { hva: 0x3000 }));
    assert.deepEqual(vm.steps(t), [
      'lock ptl',
      'R host pte',
      'W host pte',
      'lock mmu_lock',
      'W mmu_notifier_seq',
      'R spte1',
      'XCHG spte1',
      'R tlbs_dirty',
      ...FLUSH_ONE.slice(1),
      ...IPI_ONE,
      'CAS tlbs_dirty',
      'unlock mmu_lock',
      'unlock ptl',
    ]);
    assert.equal(vm.word(0x3000), 0n);
    assert.deepEqual(vm.setup(vm.read(0x3000)), [1n]);
  });

  it('A.9: clear_flush_young', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1));
    const t = vm.thread('age', 1, vm.mm('age', { hva: 0x3000 }));
    assert.deepEqual(vm.steps(t), [
      'lock mmu_lock',
      'R spte1',
      'BIT spte1',
      ...FLUSH_ONE,
      ...IPI_ONE,
      'CAS tlbs_dirty',
      'unlock mmu_lock',
    ]);
    assert.deepEqual(vm.results(t), [true]);
  });

  it('A.10: zapping pages in use', () => {
    const vm = new Vm().memslot();
    vm.setup(vm.write(0x3000, 1));
    const t = vm.thread('zap', 1, vm.vm('zap_all'));
    assert.deepEqual(vm.steps(t), [
      'lock mmu_lock',
      'R spte1', // the newest page first: the leaf table
      'XCHG spte1',
      'W spte2', // its parent; that table is empty by now, and so on
      'W spte3',
      'W spte4',
      ...RELOAD_ONE, // the root stays, and its vCPU is asked to drop it
      ...IPI_ONE,
      'barrier', // commit
      ...FLUSH_ONE.slice(0, -1),
      'CAS mode',
      'CAS tlbs_dirty',
      'unlock mmu_lock',
      ...RELOAD_ONE, // of kvm_arch_flush_shadow
    ]);
    assert.equal(vm.kvm.stat.mmu_shadow_zapped, 4);
    assert.equal(vm.kvm.arch.n_used_mmu_pages, 1);
    vm.setup(vm.read(0x3000));
    assert.equal(vm.kvm.arch.n_used_mmu_pages, 4);
  });
});
