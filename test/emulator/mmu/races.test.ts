/** Races of the specification (section 12): each shows in the variant that has it, and cannot in the one that does not. */
import assert from 'node:assert/strict';
import { rmap_write_protect } from '../../../adapter/emulator/mmu/write_protect.js';
import { Op } from '../../../adapter/machine/index.js';
import type { Settings } from '../harness.js';
import { Vm } from './rig.js';

const PAGE3 = 0x3000;
const PAGE4 = 0x4000;

/** Whether a frame was given back to the host. */
const freed = (vm: Vm, pfn: number): boolean => (vm.machine.phys.frame(pfn)?.freed ?? null) !== null;

/** A slot with a log in which page 3 was written and harvested: mapped read-only, and locklessly modifiable. */
function harvested(
  settings: Settings,
  ...before: ((vm: Vm) => () => ReturnType<ReturnType<Vm['write']>>)[]
): Vm {
  const vm = new Vm({ vcpus: 2, ...settings }).memslot(2 ** 18, { dirty_log: true });
  vm.setup(...before.map((b) => b(vm)), vm.harvest(), vm.op(vm.vcpu(), 'run'));
  return vm;
}
const wrote = (vm: Vm) => vm.write(PAGE3, 1);
const wroteBoth = (vm: Vm) => vm.write(PAGE4, 1);
const readIt = (vm: Vm) => vm.read(PAGE3);

describe('mmu: flushes that are missing or late', () => {
  /** Two pages are discarded; the first notifier is about to interrupt the vCPU. Returns whether the second could end. */
  function a01(settings: Settings): [Vm, boolean] {
    const vm = new Vm(settings).memslot();
    vm.setup(vm.write(PAGE3, 1), vm.write(PAGE4, 1));
    const n1 = vm.thread('n1', 1, vm.mm('unmap', { hva: PAGE3 }));
    const n2 = vm.thread('n2', 2, vm.mm('unmap', { hva: PAGE4 }));
    vm.to(n1, 'smp_call_function_many', Op.add);
    const done = vm.blocked(n2);
    return [vm, done];
  }

  it('A-01: a request bit that is set already is not enough', () => {
    const [vm, done] = a01({ ipi: 'dedupe', notifier_flush: 'after-unlock' });
    assert.equal(done, true);
    const pfn = vm.tlb(4)?.pfn as number;
    assert.equal(freed(vm, pfn), true);
    const guest = vm.thread('guest', 0, vm.write(PAGE4, 0xbad));
    assert.equal(vm.blocked(guest), true);
    assert.equal(vm.machine.phys.$get(pfn * 512), 0xbadn);
  });

  it('A-01: the second notifier waits where requests look at the mode, or are under a lock', () => {
    assert.equal(a01({ ipi: 'mode', notifier_flush: 'after-unlock' })[1], false);
    assert.equal(a01({ ipi: 'dedupe-locked', notifier_flush: 'after-unlock' })[1], false);
    assert.equal(a01({ ipi: 'dedupe' })[1], false);
  });

  it('A-02: a notifier that flushes after unlocking lets another one free the page', () => {
    for (const notifier_flush of ['after-unlock', 'locked']) {
      const vm = new Vm({ eptad: 'off', notifier_flush }).memslot();
      vm.setup(vm.write(PAGE3, 1));
      const pfn = vm.tlb(3)?.pfn as number;
      const n1 = vm.thread('n1', 1, vm.mm('age', { hva: PAGE3 }));
      const n2 = vm.thread('n2', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n1, 'kvm_flush_remote_tlbs', Op.read);
      assert.equal(vm.blocked(n2), notifier_flush === 'after-unlock');
      assert.equal(freed(vm, pfn) && vm.tlb(3) !== undefined, notifier_flush === 'after-unlock');
      vm.finish(n1);
      vm.finish(n2);
      assert.equal(freed(vm, pfn), true);
    }
  });

  it('A-06: writable is overwritten by read-only', () => {
    for (const [spte_update, kept] of [
      ['xchg-return', false],
      ['no-flush', true],
    ] as const) {
      const vm = new Vm({ vcpus: 2, spte_update }).memslot(2 ** 18, { readonly_host: true });
      const v0 = vm.thread('v0', 0, vm.read(PAGE3));
      const v1 = vm.thread('v1', 1, vm.write(PAGE3, 1, 1));
      vm.to(v0, 'tdp_page_fault', Op.acquire);
      vm.finish(v1);
      vm.finish(v0);
      assert.equal(vm.spte(3).writable, false);
      assert.equal(vm.tlb(3, 1)?.writable === true && vm.vcpu(1).requests === 0n, kept);
    }
  });

  it('A-12: the log is enabled without a flush', () => {
    for (const slot_wp_flush of ['no', 'yes']) {
      const vm = new Vm({ slot_wp_flush }).memslot();
      vm.setup(vm.write(PAGE3, 1), vm.vm('enable_dirty_log', { slot: vm.slot }), vm.write(PAGE3, 2));
      const [report] = vm.setup(vm.harvest());
      assert.deepEqual(Vm.pages(report), slot_wp_flush === 'yes' ? [3] : []);
    }
  });
});

describe('mmu: dirty log and fast path', () => {
  it('B-01: a flush decided from a stale entry', () => {
    for (const [spte_update, kept] of [
      ['xchg-return', false],
      ['stale-entry', true],
    ] as const) {
      const vm = new Vm({ vcpus: 2, spte_update }).memslot(2 ** 18, { dirty_log: true, readonly_host: true });
      const v1 = vm.thread('v1', 1, vm.read(PAGE3, 1));
      vm.to(v1, 'tdp_page_fault', Op.acquire);
      vm.setup(vm.write(PAGE3, 1), vm.harvest());
      vm.to(v1, spte_update === 'stale-entry' ? 'update' : 'mmu_spte_exchange', Op.read);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      vm.finish(v0);
      assert.equal(vm.tlb(3)?.writable, true);
      vm.finish(v1);
      assert.equal(vm.spte(3).writable, false);
      assert.equal(vm.tlb(3)?.writable === true && vm.vcpu().requests === 0n, kept);
    }
  });

  it('B-01: asking for more flushes than needed is safe as well', () => {
    const flushes = (spte_update: string): number => {
      const vm = new Vm({ vcpus: 2, spte_update }).memslot(2 ** 18, { dirty_log: true, readonly_host: true });
      const v1 = vm.thread('v1', 1, vm.read(PAGE3, 1));
      vm.to(v1, 'tdp_page_fault', Op.acquire);
      vm.setup(vm.write(PAGE3, 1), vm.harvest(), vm.op(vm.vcpu(), 'run'));
      const before = vm.kvm.stat.remote_tlb_flush;
      vm.finish(v1);
      return vm.kvm.stat.remote_tlb_flush - before;
    };
    assert.equal(flushes('xchg-return'), 0);
    assert.equal(flushes('lockless-bit'), 1);
  });

  it('B-02: protection of a page table passes over a lockless spte', () => {
    for (const pt_protect_test of ['w-only', 'w-or-lockless']) {
      const vm = harvested({ pt_protect_test }, wrote);
      vm.setup(() => rmap_write_protect(vm.kvm, 3));
      assert.equal(vm.spte(3).mmu_writeable, pt_protect_test === 'w-only');
    }
  });

  it('B-03: protect, then swap bitmaps', () => {
    const reports = (dirtylog: string, publish: string): number[][] => {
      const vm = new Vm({ dirtylog }).memslot(2 ** 18, { dirty_log: true });
      vm.setup(vm.write(PAGE3, 1));
      const m = vm.thread('m', 1, vm.harvest(), vm.harvest());
      vm.to(m, publish, publish === 'publish_memslots' ? Op.write : Op.acquire);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      if (!vm.blocked(v0)) vm.until(m, () => vm.step(v0) && vm.blocked(v0));
      vm.until(m, () => vm.results(m).length === 1);
      vm.finish(vm.thread('v0 again', 0, vm.write(PAGE3, 3)));
      vm.finish(m);
      return vm.results(m).map(Vm.pages);
    };
    assert.deepEqual(reports('protect-then-swap', 'publish_memslots'), [[3], []]);
    assert.deepEqual(reports('swap-then-protect', 'publish_memslots'), [[3], [3]]);
    assert.deepEqual(reports('xchg-locked-flush', 'xchg_locked_flush'), [[3], [3]]);
  });

  it('B-05: the fast path makes a large read-only spte writable', () => {
    const marked = (settings: Settings): number[] => {
      const vm = new Vm(settings).memslot(2 ** 21, { huge: true });
      vm.setup(vm.write(0, 1), vm.vm('enable_dirty_log', { slot: vm.slot }), vm.write(5 * 4096, 1));
      return vm.marked();
    };
    assert.deepEqual(marked({ large_wp: 'lazy-unchecked' }), [0]);
    assert.deepEqual(marked({ large_wp: 'lazy-checked', ro_large: 'dropped' }), [5]);
    assert.deepEqual(marked({ large_wp: 'drop' }), [5]);
  });

  it('B-06: mark before the exchange', () => {
    for (const fpf_mark of ['before', 'after']) {
      const vm = harvested({ fpf_mark }, wrote);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      const m = vm.thread('m', 1, vm.harvest());
      vm.to(v0, 'fast_pf_fix_direct_spte', Op.cmpxchg);
      // With the wrong order there is a bit to take, so the harvest waits for the walk to end.
      assert.equal(vm.blocked(m), fpf_mark === 'after');
      vm.to(v0, 'vcpu_enter_guest');
      vm.finish(m);
      vm.finish(v0);
      assert.deepEqual(Vm.pages(vm.results(m)[0]), fpf_mark === 'before' ? [3] : []);
      assert.deepEqual(vm.marked(), fpf_mark === 'before' ? [] : [3]);
      assert.equal(vm.spte(3).writable, true);
    }
  });

  it("B-07: HOST_WRITEABLE is EPT's dirty bit", () => {
    for (const hostw_bit of ['9', '10']) {
      const vm = new Vm({ hostw_bit, eptad: 'on' }).memslot();
      const told: number[] = [];
      vm.instance.observers.pfnDirty.push((pfn) => told.push(pfn));
      vm.setup(vm.read(PAGE3));
      const { pfn } = vm.spte(3);
      vm.setup(vm.mm('swap_out', { hva: PAGE3 }));
      assert.deepEqual(told, hostw_bit === '9' ? [pfn] : []);
    }
  });

  it('B-08: a bit is set by a read and a write', () => {
    for (const dirty_set of ['nonatomic', 'atomic']) {
      const vm = harvested({ dirty_set }, wrote, wroteBoth);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      const v1 = vm.thread('v1', 1, vm.write(PAGE4, 2, 1));
      vm.to(
        v0,
        dirty_set === 'atomic' ? 'set_bit_le' : '__set_bit_le',
        dirty_set === 'atomic' ? Op.or : Op.write,
      );
      vm.finish(v1);
      vm.finish(v0);
      assert.deepEqual(vm.marked(), dirty_set === 'atomic' ? [3, 4] : [3]);
    }
  });

  it('B-11: ageing clears a bit of the memory type', () => {
    const vm = new Vm({ age_bit: 'fixed5' }).memslot();
    vm.setup(vm.read(PAGE3), vm.mm('age', { hva: PAGE3 }));
    const guest = vm.thread('guest', 0, vm.read(PAGE3));
    while (vm.machine.failure === null && vm.machine.runnable(guest)) vm.machine.step(guest);
    assert.equal(vm.machine.failure?.kind, 'panic');
    assert.match(vm.machine.failure?.message ?? '', /EPT misconfiguration at gpa 0x3000/);
    const right = new Vm({ age_bit: 'mask' }).memslot();
    assert.deepEqual(right.setup(right.write(PAGE3, 1), right.mm('age', { hva: PAGE3 }), right.read(PAGE3)), [
      true,
      true,
      1n,
    ]);
  });

  it('B-12: a read-only large spte under the log faults for ever', () => {
    for (const ro_large of ['kept', 'dropped']) {
      const vm = new Vm({ ro_large }).memslot(2 ** 21, { huge: true, readonly_host: true });
      vm.setup(vm.read(5 * 4096), vm.vm('enable_dirty_log', { slot: vm.slot }));
      assert.equal(vm.spte(5).large, true);
      const guest = vm.thread('guest', 0, vm.write(5 * 4096, 1));
      for (let n = 0; n < 5000; n++) vm.step(guest);
      assert.equal(guest.ended, ro_large === 'dropped');
      assert.equal(vm.vcpu().stat.exits > 50, ro_large === 'kept');
      assert.deepEqual(vm.marked(), ro_large === 'dropped' ? [5] : []);
    }
  });
});

describe('mmu: what the host is told', () => {
  it('C-01: a plain clear against the fast path loses the dirty bit, and with it the data', () => {
    for (const [settings, value] of [
      [{}, 7n],
      [{ volatile_rule: 'ad-only' }, 0n],
      [{ profile: 'fpf-naive' }, 0n],
    ] as const) {
      const vm = harvested(settings, readIt);
      assert.deepEqual([vm.spte(3).accessed, vm.spte(3).dirty, vm.spte(3).writable], [true, false, false]);
      const n = vm.thread('n', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n, 'xchg_if_volatile');
      vm.finish(vm.thread('v0', 0, vm.write(PAGE3, 7)));
      vm.finish(n);
      assert.deepEqual(vm.setup(vm.read(PAGE3)), [value]);
    }
  });

  it('C-02: a plain clear loses the accessed bit', () => {
    for (const clear_spte of ['plain', 'xchg-if-volatile']) {
      const vm = new Vm({ clear_spte }).memslot();
      vm.setup(vm.write(PAGE3, 1), vm.mm('age', { hva: PAGE3 }));
      const told: number[] = [];
      vm.instance.observers.pfnAccessed.push((pfn) => told.push(pfn));
      const { pfn } = vm.spte(3);
      const n = vm.thread('n', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n, clear_spte === 'plain' ? 'plain' : 'xchg_if_volatile');
      vm.finish(vm.thread('v0', 0, vm.read(PAGE3)));
      vm.finish(n);
      assert.deepEqual(told, clear_spte === 'plain' ? [] : [pfn]);
    }
  });
});

describe('mmu: lifetime', () => {
  it('F-01: a shadow page is freed under a lockless walk', () => {
    for (const walk_guard of ['none', 'mode-irq']) {
      const vm = harvested({ walk_guard }, wrote);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      const s = vm.thread('s', 1, vm.vm('zap_all'));
      vm.to(v0, 'fast_page_fault', Op.read, 4);
      assert.equal(vm.blocked(s), walk_guard === 'none');
      if (walk_guard === 'none') {
        vm.machine.step(v0);
        assert.equal(vm.machine.failure?.kind, 'use_after_free');
        assert.match(vm.machine.failure?.report ?? '', /KASAN: use-after-free in fast_page_fault/);
      } else {
        // Out of the walk, the vCPU finds that it needs a new root, for which it has to wait in turn.
        assert.equal(vm.blocked(v0), false);
        vm.finish(s);
        vm.finish(v0);
        assert.equal(vm.word(PAGE3), 2n);
      }
    }
  });

  it('G-03: a fault ignores a notifier', () => {
    for (const notifier_retry of ['off', 'on']) {
      const vm = new Vm({ notifier_retry }).memslot();
      const v0 = vm.thread('v0', 0, vm.read(PAGE3));
      vm.to(v0, 'tdp_page_fault', Op.acquire);
      vm.setup(vm.mm('swap_out', { hva: PAGE3 }));
      vm.finish(v0);
      assert.equal(freed(vm, vm.spte(3).pfn), notifier_retry === 'off');
      assert.equal(vm.kvm.emulator_stat.exits_by_reason.retry_pf, notifier_retry === 'on' ? 1 : 0);
    }
  });
});
