/** The order of steps where guest tables are shadowed, row by row as in Annex A of the specification. */
import assert from 'node:assert/strict';
import { Guest } from './rig.js';

const DATA = 0x40_0000;
const TABLES = 0x80_0000;
const FLUSH_ONE = ['R tlbs_dirty', 'barrier', 'BIT requests', 'R cpu', 'barrier', 'CAS mode'];
const REENTRY = ['R requests', 'W mode', 'barrier', 'R mode', 'R requests'];
const WALK4 = Array.from({ length: 4 }, () => 'walks the tables');

/** The entries around one that was asked for are looked at as well, and here nothing is there. */
const NEIGHBOURS = Array.from({ length: 7 }, () => ['R spte1', 'W spte1']).flat();
const reads = (n: number): string[] => Array.from({ length: n }, () => 'reads guest memory');

/** A 64-bit guest with data at `DATA`, and the table of it, of `level` at `TABLES`. */
function guest(level = 1, vcpus = 1): Guest {
  const vm = new Guest({ vcpus }).boot();
  vm.map(DATA, 0x20_0000, { pages: 2 });
  const at = vm.at(DATA, level);
  vm.map(TABLES, at - (at % 4096));
  // What reads a writable table makes it unsync at once; a flush makes it read-only again.
  vm.setup(vm.load(DATA), vm.load(DATA + 0x1000), vm.load(TABLES), vm.flush());
  return vm;
}
/** Where the guest sees the entry of an address at a level. */
const seen = (vm: Guest, va: number, level = 1): number => TABLES + (vm.at(va, level) % 4096);

describe('mmu: step tables of shadow paging', () => {
  it('A.4: a guest table is write-protected before it is used', () => {
    const vm = guest();
    // The guest writes to the page while it is no shadowed table.
    vm.setup(vm.vm('zap_all'), vm.store(TABLES + 0x100, 0));
    assert.equal(vm.spte(TABLES / 4096).writable, true);
    const t = vm.thread('guest', 0, vm.load(DATA));
    assert.deepEqual(Guest.between(vm.steps(t), 'XCHG spte1', 'W spte2'), [
      'XCHG spte1', // 2
      ...FLUSH_ONE.slice(0, -1), // 3: the vCPU itself asks, and nobody else runs the guest
      'CAS tlbs_dirty',
      'W write_count', // 4
      'W write_count',
      'W indirect_shadow_pages',
      ...reads(8), // 5: with its neighbours, kept for prefetching
      'R spte2',
      'W spte2', // 6
    ]);
    assert.equal(vm.spte(TABLES / 4096).writable, false);
  });

  it('A.5: a store to a table of level 1 faults once, and then no more', () => {
    const vm = guest();
    const [sp] = vm.sps(Math.floor(vm.at(DATA) / 4096));
    assert.equal(vm.spte(TABLES / 4096).writable, false);
    const t = vm.thread('guest', 0, vm.store(seen(vm, DATA), vm.gpte(vm.at(DATA))));
    assert.deepEqual(vm.steps(t), [
      ...WALK4, // 1
      'W mode',
      'barrier',
      ...Array.from({ length: 4 }, () => 'reads guest memory'), // 2
      'R memslots', // 3
      'R mmu_notifier_seq',
      'R host pte',
      'lock mmu_lock',
      'R mmu_notifier_count',
      'R mmu_notifier_seq',
      'reads guest memory', // the entries are what the walk has read
      'R spte4', // 4
      'reads guest memory',
      'R spte3',
      'reads guest memory',
      'R spte2',
      ...Array.from({ length: 8 }, () => 'reads guest memory'),
      'R spte1',
      'W spte1', // 5: A is set and W clear, so nobody changes it meanwhile; no flush, the mapping gets wider
      ...NEIGHBOURS,
      'unlock mmu_lock',
      ...REENTRY,
      ...WALK4,
      'sets the A and D bits',
      'fills the TLB',
      'stores', // 6
    ]);
    assert.equal(sp?.unsync, true);
    const { exits } = vm.vcpu().stat;
    vm.setup(vm.store(seen(vm, DATA), vm.gpte(vm.at(DATA))));
    assert.equal(vm.vcpu().stat.exits, exits);
    assert.equal(vm.kvm.stat.mmu_unsync, 1);
  });

  it('A.6: a store to a higher table is emulated, and its entry taken out', () => {
    const vm = guest(2);
    const t = vm.thread('guest', 0, vm.store(seen(vm, DATA, 2), vm.gpte(vm.at(DATA, 2))));
    const all = vm.steps(t);
    const from = all.indexOf('BIT requests');
    assert.deepEqual(Guest.between(all.slice(from), 'unlock mmu_lock', 'unlock mmu_lock'), [
      'unlock mmu_lock', // the fault has asked for a local flush, since the entry stays read-only
      ...Array.from({ length: 4 }, () => 'reads guest memory'), // the emulator translates the address again
      'writes guest memory',
      'R memslots',
      'R indirect_shadow_pages',
      'lock mmu_lock',
      'R spte2',
      'W spte2', // a link is unlinked both ways
      ...FLUSH_ONE.slice(0, -1),
      'CAS tlbs_dirty',
      'unlock mmu_lock',
    ]);
    assert.deepEqual([vm.kvm.stat.mmu_pte_write, vm.kvm.stat.mmu_pde_zapped], [1, 1]);
    assert.deepEqual(vm.setup(vm.load(DATA)), [0n]);
  });

  it('A.7: loading the same cr3 syncs', () => {
    const vm = guest(1, 2);
    vm.setup(vm.store(seen(vm, DATA + 0x1000), 0));
    const t = vm.thread('guest', 0, vm.flush());
    const all = vm.steps(t);
    assert.deepEqual(Guest.between(all, 'lock mmu_lock', 'unlock mmu_lock'), [
      'lock mmu_lock',
      'R spte4', // 1
      'R spte3',
      'R spte2',
      'R spte1', // 2
      'XCHG spte1',
      'R tlbs_dirty', // 3
      'barrier',
      'BIT requests',
      'R cpu',
      'barrier',
      'BIT requests',
      'R cpu',
      'barrier',
      'CAS mode',
      'CAS tlbs_dirty',
      'R spte1', // 5, after the unsync flag was cleared
      'reads guest memory',
      'R spte1',
      'XCHG spte1',
      'R spte1',
      'reads guest memory',
      'R spte1',
      'XCHG spte1',
      'R tlbs_dirty',
      'W tlbs_dirty',
      'BIT requests', // n
      'unlock mmu_lock',
    ]);
    assert.deepEqual([vm.kvm.stat.mmu_unsync, vm.kvm.tlbs_dirty], [0, 1]);
  });
});
