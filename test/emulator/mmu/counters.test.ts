/** Counters that the kernel does not have. */
import assert from 'node:assert/strict';
import type { KvmVcpu } from '../../../adapter/emulator/mmu/structures/vcpu.js';
import { Op } from '../../../adapter/machine/index.js';
import { Vm } from './rig.js';
import { Guest } from './shadow/rig.js';

const PAGE3 = 0x3000;
const DATA = 0x40_0000;
const TABLES = 0x80_0000;

/** Exits of all vCPUs, and the counters that are to explain them. */
function exits(vm: Vm): { all: number; explained: number; by: Record<string, number> } {
  const by: Record<string, number> = {};
  for (const [name, n] of Object.entries(vm.instance.counters()))
    if (name.startsWith('exits_by_reason.') && n !== 0) by[name.slice('exits_by_reason.'.length)] = n;
  const all = vm.instance.vcpus.reduce((sum: number, v: KvmVcpu) => sum + v.stat.exits, 0);
  return { all, explained: Object.values(by).reduce((a, b) => a + b, 0), by };
}

/** A 64-bit guest that sees the table of two pages of data at `TABLES`. */
function guest(settings = {}): Guest {
  const vm = new Guest({ vcpus: 2, ...settings }).boot();
  vm.map(DATA, 0x20_0000, { pages: 3 });
  vm.map(TABLES, vm.at(DATA) - (vm.at(DATA) % 4096));
  vm.setup(vm.load(DATA), vm.load(DATA + 0x1000), vm.load(TABLES), vm.flush());
  return vm;
}

describe('mmu: counters', () => {
  it('each exit is counted once, by what it led to', () => {
    const vm = new Vm({ vcpus: 2 }).memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(PAGE3, 1), vm.harvest(), vm.write(PAGE3, 2), vm.read(2 ** 20), vm.read(2 ** 20));
    vm.setup(vm.write(PAGE3, 3), vm.op(vm.vcpu(), 'pause'), vm.write(PAGE3, 4));
    const { all, explained, by } = exits(vm);
    assert.deepEqual(by, { slow_pf: 1, fast_pf: 1, ipi: 1, mmio: 2, host: 1 });
    assert.equal(explained, all);
  });

  it('also those of a guest with page tables', () => {
    const vm = guest();
    const shared = vm.at(DATA, 2) - (vm.at(DATA, 2) % 4096);
    vm.map(0xc0_0000, shared);
    vm.setup(
      vm.store(DATA, 1, { cpl: 3 }),
      vm.load(0x700_0000),
      vm.op(vm.vcpu(), 'write_pt', { table: TABLES, index: 1, gpte: 0 }),
      vm.store(0xc0_0000, 0),
      vm.store(0xc0_0000 + 8, 0, { page_table: false }),
      vm.setCr3(vm.cr3),
      vm.invlpg(DATA),
      vm.op(vm.vcpu(), 'set_cr0', { value: 0x8000_0001 }),
      vm.op(vm.vcpu(), 'set_efer_nx', { on: true }),
    );
    const { all, explained, by } = exits(vm);
    for (const name of ['slow_pf', 'guest_pf', 'emulated_pt', 'cr3', 'cr0_cr4', 'invlpg', 'msr'])
      assert.ok((by[name] ?? 0) > 0, name);
    assert.equal(explained, all);
  });

  it('stores to page tables, and which of them were trapped', () => {
    const vm = guest();
    const { emulator_stat } = vm.kvm;
    const before = emulator_stat.guest_pt_stores;
    const pt = (index: number, gpte: number | bigint) =>
      vm.op(vm.vcpu(), 'write_pt', { table: TABLES, index, gpte });
    vm.setup(pt(1, 0), pt(2, 0), pt(2, 0), vm.store(DATA + 0x10_0000, 1));
    // The first makes the table unsync; the others are stores like any other. That to data is no store to a table.
    assert.equal(emulator_stat.guest_pt_stores - before, 3);
    assert.equal(emulator_stat.guest_pt_stores_trapped, 1);
    vm.setup(vm.flush(), pt(1, 0));
    assert.equal(emulator_stat.guest_pt_stores_trapped, 2);
  });

  it('what a sync looks at and drops', () => {
    const vm = guest();
    const { emulator_stat } = vm.kvm;
    const pt = (index: number) => vm.op(vm.vcpu(), 'write_pt', { table: TABLES, index, gpte: 0 });
    vm.setup(pt(1));
    const { sync_pages, sync_sptes, sync_dropped } = emulator_stat;
    vm.setup(vm.flush());
    assert.equal(emulator_stat.sync_pages - sync_pages, 1);
    assert.equal(emulator_stat.sync_sptes - sync_sptes, 2);
    assert.equal(emulator_stat.sync_dropped - sync_dropped, 1);
  });

  it('steps that threads waited for the lock', () => {
    const vm = new Vm().memslot();
    const { emulator_stat, mmu_lock } = vm.kvm;
    const before = emulator_stat.mmu_lock_acquired;
    const a = vm.thread('a', 1, vm.vm('zap_all'));
    const b = vm.thread('b', 2, vm.vm('zap_all'));
    const c = vm.thread('c', 3, vm.vm('zap_all'));
    vm.to(b, 'kvm_mmu_zap_all', Op.acquire);
    vm.to(a, 'kvm_mmu_zap_all', Op.acquire);
    vm.machine.step(a);
    const taken = vm.machine.steps;
    vm.to(c, 'kvm_mmu_zap_all', Op.acquire);
    const came = vm.machine.steps;
    while (mmu_lock.heldBy(a)) vm.machine.step(a);
    const waited = vm.machine.steps - taken + vm.machine.steps - came;
    assert.equal(emulator_stat.mmu_lock_wait_steps, waited);
    assert.ok(waited > 0);
    vm.finish(b);
    vm.finish(c);
    assert.equal(emulator_stat.mmu_lock_acquired - before, 3);
  });

  it('stores to pages that the log calls clean', () => {
    const vm = new Vm({ vcpus: 2 }).memslot(2 ** 18, { dirty_log: true });
    vm.setup(vm.write(PAGE3, 1));
    const m = vm.thread('m', 1, vm.harvest());
    vm.to(m, 'kvm_flush_remote_tlbs', Op.read);
    vm.setup(vm.write(PAGE3, 2));
    assert.equal(vm.kvm.emulator_stat.writes_while_clean, 1);
    vm.finish(m);
    vm.setup(vm.write(PAGE3, 3));
    assert.equal(vm.kvm.emulator_stat.writes_while_clean, 1);
  });
});
