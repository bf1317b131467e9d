/** Rules about shadowed guest tables: each notices when the state is corrupted by hand. */
import assert from 'node:assert/strict';
import type { KvmMmuPage } from '../../../../adapter/emulator/mmu/structures/mmu_page.js';
import { kvm_mmu_page } from '../../../../adapter/emulator/mmu/structures/mmu_page.js';
import type { Spte } from '../../../../adapter/emulator/mmu/structures/spt.js';
import { page_header } from '../../../../adapter/emulator/mmu/structures/spt.js';
import type { Failure } from '../../../../adapter/machine/index.js';
import type { Settings } from '../../harness.js';
import { Guest } from '../shadow/rig.js';

const DATA = 0x40_0000;
const TABLES = 0x80_0000;

/** A guest with one page of data and its table mapped, and one rule checked. */
class Shadowed extends Guest {
  constructor(rule: string, settings: Settings = {}) {
    super({ vcpus: 2, ...settings }, 10_000);
    this.obey([rule]);
  }
  /** Runs a critical section of `mmu_lock`, and then what is looked at in the end. */
  section(): Failure | null {
    try {
      this.setup(this.mm('age', { hva: 0x3f_f000 }));
    } catch (e) {
      if (this.machine.failure === null) throw e;
    }
    return this.machine.failure ?? this.end();
  }
  start(): this {
    this.boot();
    this.map(DATA, 0x20_0000);
    this.map(TABLES, this.at(DATA) - (this.at(DATA) % 4096));
    this.setup(this.store(DATA, 1), this.load(TABLES), this.flush(), this.load(DATA), this.load(TABLES));
    assert.equal(this.look(), null);
    return this;
  }
  /** The shadow page of the table of the data, and the table's frame. */
  get table(): number {
    return Math.floor(this.at(DATA) / 4096);
  }
  get sp(): KvmMmuPage {
    return this.sps(this.table)[0] as KvmMmuPage;
  }
  leaf(va: number): Spte {
    return this.spte(va / 4096);
  }
  /** Changes an entry as kernel code would. */
  change(va: number, f: (spte: bigint) => bigint): void {
    const { sptep, value } = this.leaf(va);
    this.machine.phys.$store(sptep, f(value));
  }
}

function breaks(failure: Failure | null, rule: string, message: RegExp): void {
  assert.deepEqual([failure?.kind, failure?.rule], ['invariant', rule], failure?.message);
  assert.match(failure?.message ?? '', message);
}

const W = 2n;
const HOST = 1n << 10n;
const MMU = 1n << 11n;

describe('mmu invariants: corrupted shadow pages', () => {
  it('INV-S1: an spte says what its entry does not', () => {
    const cases: readonly [(v: bigint) => bigint, RegExp][] = [
      [(v) => v ^ (1n << 12n), /maps gfn 0x200, and not gfn/],
      [(v) => v | 4n | W, /allows no stores/],
    ];
    for (const [f, message] of cases.slice(1)) {
      const vm = new Shadowed('INV-S1').boot();
      vm.map(DATA, 0x20_0000, { write: false });
      vm.setup(vm.load(DATA));
      vm.change(DATA, f);
      breaks(vm.look(), 'INV-S1', message);
    }
    const vm = new Shadowed('INV-S1').start();
    vm.setup(vm.mm('write_guest', { gpa: 0x21_0000, value: 1 }));
    const other = vm.host.pgd.$get(0x210) as number;
    vm.change(DATA, (v) => (v & 0xfffn) | (BigInt(Math.floor(other / 4096)) << 12n));
    breaks(vm.look(), 'INV-S1', cases[0]?.[1] as RegExp);
  });

  it('INV-S1: the table changes and nobody hears of it', () => {
    const vm = new Shadowed('INV-S1').start();
    const act = vm.mm('write_guest', { gpa: vm.at(DATA), value: 0 });
    assert.throws(() => vm.setup(act), /INV-S1/);
    breaks(vm.machine.failure, 'INV-S1', /is not present/);
  });

  it('INV-S2: a page is unsync again right after the roots were synced', () => {
    const vm = new Shadowed('INV-S2').start();
    const { sp } = vm;
    vm.setup(vm.store(TABLES + 0x100, 0));
    assert.equal(sp.unsync, true);
    // The mark above is gone, so the sync does not come by.
    for (const parent of [page_header(sp.parent_ptes as number)]) {
      parent.unsync_child_bitmap?.put(Math.floor(((sp.parent_ptes as number) % 512) / 64), 0n);
      parent.unsync_children = 0;
    }
    assert.throws(() => vm.setup(vm.flush()), /INV-S2/);
    breaks(vm.machine.failure, 'INV-S2', /vcpu 0 has synced its roots, but .* is still unsync/);
  });

  it('INV-W1 and INV-W3: a synced table can be written, or made writable', () => {
    const w1 = new Shadowed('INV-W1').start();
    w1.change(TABLES, (v) => v | W);
    breaks(w1.look(), 'INV-W1', /lets the guest write to gfn 0x\w+, which is a guest page table/);
    const w3 = new Shadowed('INV-W3').start();
    w3.change(TABLES, (v) => v | HOST | MMU);
    breaks(w3.look(), 'INV-W3', /may be made writable without the lock/);
  });

  it('INV-T2: a CPU can store to a synced table', () => {
    const vm = new Shadowed('INV-T2').start();
    const e = vm.tlb(TABLES / 4096);
    assert.ok(e);
    const wide = vm.vcpu().tlb.entryFor(TABLES / 4096, 1);
    Object.assign(wide, { writable: true, gfn: vm.table, pfn: e.pfn, sptep: e.sptep });
    vm.vcpu().tlb.insert(wide);
    for (const o of vm.instance.observers.tlbFilled) o(vm.vcpu(), wide);
    breaks(vm.look(), 'INV-T2', /vcpu 0 can store to gfn 0x\w+ .* no flush of it is pending/);
  });

  it('INV-C3, INV-C4 and INV-C9: what is unsync is counted and marked', () => {
    const unsync = (rule: string): Shadowed => {
      const vm = new Shadowed(rule).start();
      vm.setup(vm.store(TABLES + 0x100, 0));
      assert.equal(vm.sp.unsync, true);
      return vm;
    };
    const c3 = unsync('INV-C3');
    page_header(c3.sp.parent_ptes as number).unsync_children += 1;
    breaks(c3.section(), 'INV-C3', /unsync_children of .* is 2, but 1 bits/);
    const c4 = unsync('INV-C4');
    const at = c4.sp.parent_ptes as number;
    page_header(at).unsync_child_bitmap?.put(Math.floor((at % 512) / 64), 0n);
    breaks(c4.section(), 'INV-C4', /is not marked in unsync_child_bitmap/);
    const c9 = unsync('INV-C9');
    c9.kvm.stat.mmu_unsync = 7;
    breaks(c9.section(), 'INV-C9', /mmu_unsync is 7, but 1 shadow pages are unsync/);
  });

  it('INV-C5: tables are counted, and in the large frames that they lie in', () => {
    const all = new Shadowed('INV-C5').start();
    all.kvm.arch.indirect_shadow_pages += 1;
    breaks(all.section(), 'INV-C5', /indirect_shadow_pages is 7, but 6/);
    const frame = new Shadowed('INV-C5').start();
    const info = frame.kvm.memslots.memslots.items()[0]?.lpage_info.at(0).at(0);
    assert.ok(info);
    info.write_count += 1;
    assert.throws(() => frame.setup(frame.vm('zap_all')), /INV-C5/);
    breaks(frame.machine.failure, 'INV-C5', /write_count of the level 2 frame .* is 1, but should be 0/);
  });

  it('INV-C9: two roots for one direct map', () => {
    const vm = new Shadowed('INV-C9', { paging: 'tdp' }).memslot(2 ** 22);
    vm.setup(vm.store(0x3000, 1), vm.store(0x3000, 1, {}, 1));
    const { mmu } = vm.vcpu(1).arch;
    const { gfn, role, spt } = page_header(mmu.root_hpa / 8);
    assert.equal(vm.look(), null);
    const frame = vm.machine.phys.alloc(null);
    const twin = vm.machine.alloc(new kvm_mmu_page({ gfn: gfn + 5, role, root_count: 1, spt }));
    frame.owner = twin;
    mmu.root_hpa = frame.pfn * 4096;
    breaks(
      vm.section(),
      'INV-C9',
      /vcpu 1 has .* of gfn 0x5 as its root, and another vCPU has .* of gfn 0x0/,
    );
  });

  it('INV-G1: a CPU has what the tables never gave', () => {
    const vm = new Shadowed('INV-G1').start();
    const e = vm.tlb(DATA / 4096);
    assert.ok(e);
    e.pfn = vm.tlb(TABLES / 4096)?.pfn ?? 0;
    assert.throws(() => vm.setup(vm.load(DATA)), /INV-G1/);
    breaks(vm.machine.failure, 'INV-G1', /loads at 0x400000 .* its tables have not allowed that/);
  });

  it('INV-G2: a page is used, and its entry does not say so', () => {
    const vm = new Shadowed('INV-G2').boot();
    vm.map(DATA, 0x20_0000, { accessed: false, dirty: false });
    vm.setup(vm.load(DATA));
    const e = vm.tlb(DATA / 4096);
    assert.ok(e);
    Object.assign(e, { writable: true, dirty: true });
    assert.throws(() => vm.setup(vm.store(DATA, 1)), /INV-G2/);
    breaks(vm.machine.failure, 'INV-G2', /its entry has no D/);
  });

  it('INV-G3: an exchange that somebody comes into', () => {
    const vm = new Shadowed('INV-G3', { emul_cmpxchg: 'plain' }).boot();
    vm.map(DATA, 0x20_0000);
    const root = vm.cr3;
    vm.map(TABLES, root);
    vm.setup(vm.load(DATA), vm.load(TABLES));
    const x = vm.thread('x', 0, vm.op(vm.vcpu(), 'cmpxchg', { addr: TABLES + 0x100, old: 0, new: 8 }));
    vm.until(x, () => x.a === 'writes guest memory');
    vm.setup(vm.mm('write_guest', { gpa: root + 0x100, value: 6 }));
    assert.throws(() => vm.finish(x), /INV-G3/);
    breaks(
      vm.machine.failure,
      'INV-G3',
      /compared with 0x0, but replaced 0x6, which thread setup had stored/,
    );
  });

  it('INV-L1: locks in the wrong order, or where waiting would not end', () => {
    const vm = new Shadowed('INV-L1').start();
    const t = vm.thread('t', 1, vm.mm('age', { hva: 0x3f_f000 }));
    vm.kvm.cpus.at(1).irqs_off = true;
    assert.throws(() => vm.finish(t), /INV-L1/);
    breaks(vm.machine.failure, 'INV-L1', /t is to take mmu_lock with interrupts off: .* waiting for cpu 1/);
    const order = new Shadowed('INV-L1').start();
    const sleeps = order.thread('sleeps', 1, order.mm('swap_in', { hva: 0x3f_f000 }));
    order.kvm.mmu_lock.owner = sleeps;
    assert.throws(() => order.finish(sleeps), /INV-L1/);
    breaks(
      order.machine.failure,
      'INV-L1',
      /sleeps is to take mmap_sem while it holds mmu_lock, which is taken after it/,
    );
    const reader = new Shadowed('INV-L1').start();
    const harvest = reader.thread('harvest', 1, reader.harvest());
    Object.assign(reader.vcpu(1), { thread: harvest, in_srcu: true });
    assert.throws(() => reader.finish(harvest), /INV-L1/);
    breaks(
      reader.machine.failure,
      'INV-L1',
      /harvest is to take slots_lock inside a read section of kvm\.srcu/,
    );
  });
});
