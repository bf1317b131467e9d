/** Stores to guest tables that KVM sees, and what it makes of them; INVLPG; counters. */
import assert from 'node:assert/strict';
import { Guest } from './rig.js';

const DATA = 0x40_0000;
/** Under another table of level 2: a walk to it does not touch that of the data. */
const TABLES = 0x4000_0000;

/** A 64-bit guest that has used two pages of data, and sees the table of `level` above them at `TABLES`. */
function guest(level: number, settings = {}): Guest {
  const vm = new Guest(settings).boot();
  vm.map(DATA, 0x20_0000, { pages: 3 });
  const at = vm.at(DATA, level);
  vm.map(TABLES, at - (at % 4096));
  vm.setup(vm.load(DATA), vm.load(DATA + 0x1000), vm.load(TABLES), vm.flush());
  return vm;
}
const seen = (vm: Guest, va: number, level: number): number => TABLES + (vm.at(va, level) % 4096);

describe('mmu: emulated stores', () => {
  it('the third store to a higher table drops its shadow, unless the table was walked in between', () => {
    const vm = guest(2);
    const at = seen(vm, 0x60_0000, 2);
    vm.setup(vm.store(at, 0), vm.store(at, 0));
    assert.deepEqual([vm.kvm.stat.mmu_pte_write, vm.kvm.stat.mmu_flooded], [2, 0]);
    vm.setup(vm.store(seen(vm, DATA, 2), vm.gpte(vm.at(DATA, 2))));
    assert.equal(vm.kvm.stat.mmu_flooded, 1);
    assert.equal(vm.sps(Math.floor(vm.at(DATA, 2) / 4096), 2).length, 0);
    const again = guest(2);
    again.setup(again.store(at, 0), again.store(at, 0), again.load(DATA + 0x2000), again.store(at, 0));
    assert.equal(again.kvm.stat.mmu_flooded, 0);
  });

  it('a store that is no entry drops the shadow, and a bit test at the beginning of an entry does not', () => {
    const vm = guest(2);
    vm.setup(vm.store(seen(vm, DATA, 2), vm.gpte(vm.at(DATA, 2)) & 0xffn, { bytes: 1 }));
    assert.equal(vm.kvm.stat.mmu_flooded, 0);
    vm.setup(vm.store(seen(vm, DATA, 2) + 2, 0x1, { bytes: 2 }));
    assert.equal(vm.kvm.stat.mmu_flooded, 1);
  });

  it('an instruction that does not write page tables gets the shadow dropped and tries again', () => {
    const vm = guest(2);
    vm.setup(vm.store(TABLES + 0x800, 5, { page_table: false }));
    assert.equal(vm.sps(Math.floor(vm.at(DATA, 2) / 4096), 2).length, 0);
    assert.equal(vm.kvm.emulator_stat.exits_by_reason.emulated_pt, 0);
    assert.deepEqual(vm.setup(vm.load(DATA)), [0n]);
  });

  it('half a store of 32 bits to an entry of 64 counts as the whole entry', () => {
    const vm = guest(2);
    const [pde] = [vm.gpte(vm.at(DATA, 2))];
    vm.setup(vm.store(seen(vm, DATA, 2) + 4, 0, { bytes: 4 }));
    assert.equal(vm.gpte(vm.at(DATA, 2)), pde);
    assert.equal(vm.kvm.stat.mmu_pde_zapped, 1);
    assert.deepEqual(vm.setup(vm.load(DATA)), [0n]);
  });

  it('a compare-and-exchange on a table is emulated as one', () => {
    const vm = guest(2);
    const gpte = vm.gpte(vm.at(DATA, 2));
    const cas = (old: bigint, value: bigint) =>
      vm.op(vm.vcpu(), 'cmpxchg', { addr: seen(vm, DATA, 2), old, new: value });
    assert.deepEqual(vm.setup(cas(0n, 5n), cas(gpte, 0n)), [gpte, gpte]);
    assert.equal(vm.gpte(vm.at(0x60_0000, 2)), 0n);
    assert.deepEqual(vm.setup(vm.load(DATA)), [-1]);
  });

  it('INVLPG brings one entry of an unsync table up to date, and leaves the others', () => {
    const vm = guest(1);
    vm.setup(vm.store(seen(vm, DATA, 1), 0x30_0067n), vm.store(seen(vm, DATA, 1) + 8, 0x30_1067n));
    assert.equal(vm.kvm.stat.mmu_unsync, 1);
    vm.setup(vm.mm('write_guest', { gpa: 0x30_0000, value: 7 }), vm.invlpg(DATA));
    assert.deepEqual([vm.vcpu().stat.invlpg, vm.kvm.stat.mmu_unsync], [1, 1]);
    assert.deepEqual(vm.setup(vm.load(DATA)), [7n]);
    assert.equal(vm.spte(DATA / 4096 + 1).present, true);
    vm.setup(vm.flush());
    assert.deepEqual([vm.kvm.stat.mmu_unsync, vm.spte(DATA / 4096 + 1).present], [0, false]);
  });

  it('what a shadowed table lies in is not mapped large', () => {
    const vm = new Guest({ memory: 2 ** 24 }).boot(2 ** 24, { huge: true });
    vm.map(0x80_0000, 0, { level: 2 });
    vm.map(0xa0_0000, 0x60_0000, { level: 2 });
    vm.setup(vm.store(0x81_0000 + 0x8_0000, 1), vm.store(0xa0_0000, 1));
    assert.equal(vm.tlb(0xa00)?.level, 2);
    assert.equal(vm.tlb(0x890)?.level, 1);
    assert.equal(vm.kvm.stat.lpages, 1);
  });
});
