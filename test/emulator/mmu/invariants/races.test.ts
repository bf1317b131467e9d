/** Races of the specification (section 12): the variant that has one breaks the rule that is about it, the base breaks none. */
import assert from 'node:assert/strict';
import { type Failure, Op } from '../../../../adapter/machine/index.js';
import type { Settings } from '../../harness.js';
import { Checked, caught } from './checked.js';

const PAGE3 = 0x3000;
const PAGE4 = 0x4000;

/** A race, played with some settings; what came of it. */
type Play = (settings: Settings) => Failure | null;

function plays(
  title: string,
  rule: string,
  message: RegExp,
  bad: Settings,
  good: Settings,
  play: Play,
): void {
  it(title, () => {
    const failure = play(bad);
    assert.deepEqual([failure?.kind, failure?.rule], ['invariant', rule], failure?.message);
    assert.match(failure?.message ?? '', message);
    assert.equal(play(good), null);
  });
}

/** A slot with a log in which page 3 was used and harvested, and vCPU 0 is in the guest. */
function harvested(settings: Settings, use: 'write' | 'read'): Checked {
  const vm = new Checked(settings).memslot(2 ** 18, { dirty_log: true });
  vm.setup(use === 'write' ? vm.write(PAGE3, 1) : vm.read(PAGE3), vm.harvest(), vm.op(vm.vcpu(), 'run'));
  return vm;
}

describe('mmu invariants: races', () => {
  plays(
    'A-01 breaks INV-T3',
    'INV-T3',
    /frame 0x\w+ was freed by n2 at step \d+, but vcpu 0 still translates gfn 0x4 to it: .* is in guest mode/,
    { ipi: 'dedupe', notifier_flush: 'after-unlock' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot();
      vm.setup(vm.write(PAGE3, 1), vm.write(PAGE4, 1));
      const n1 = vm.thread('n1', 1, vm.mm('unmap', { hva: PAGE3 }));
      const n2 = vm.thread('n2', 2, vm.mm('unmap', { hva: PAGE4 }));
      vm.to(n1, 'smp_call_function_many', Op.add);
      return caught(vm, () => {
        vm.blocked(n2);
        vm.finish(n1);
        vm.finish(n2);
      });
    },
  );

  plays(
    'A-02 breaks INV-T3',
    'INV-T3',
    /vcpu 0 still translates gfn 0x3 to it/,
    { eptad: 'off', notifier_flush: 'after-unlock' },
    { eptad: 'off' },
    (settings) => {
      const vm = new Checked(settings).memslot();
      vm.setup(vm.write(PAGE3, 1));
      const n1 = vm.thread('n1', 1, vm.mm('age', { hva: PAGE3 }));
      const n2 = vm.thread('n2', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n1, 'kvm_flush_remote_tlbs', Op.read);
      return caught(vm, () => {
        vm.blocked(n2);
        vm.finish(n1);
        vm.finish(n2);
      });
    },
  );

  plays(
    'A-12 breaks INV-T1',
    'INV-T1',
    /vcpu 0 can store to gfn 0x3 unnoticed: .* is read-only, bit 3 of the dirty bitmap of slot 0 is clear, and no flush of vcpu 0 is pending/,
    { slot_wp_flush: 'no' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot();
      vm.setup(vm.write(PAGE3, 1));
      return caught(vm, () => vm.setup(vm.vm('enable_dirty_log', { slot: vm.slot }), vm.write(PAGE3, 2)));
    },
  );

  plays(
    'A-12 breaks INV-D1 as well, and INV-D2 when the page is missing from the report',
    'INV-D2',
    /the store to gfn 0x3 at step \d+ is lost/,
    { slot_wp_flush: 'no' },
    {},
    (settings) => {
      const act = (vm: Checked) =>
        caught(vm, () =>
          vm.setup(
            vm.write(PAGE3, 1),
            vm.vm('enable_dirty_log', { slot: vm.slot }),
            vm.write(PAGE3, 2),
            vm.harvest(),
          ),
        );
      const d1 = act(new Checked(settings, ['INV-D1']).memslot());
      assert.equal(d1?.rule, settings.slot_wp_flush === 'no' ? 'INV-D1' : undefined);
      return act(new Checked(settings, ['INV-D2']).memslot());
    },
  );

  plays(
    'B-01 breaks INV-T4',
    'INV-T4',
    /the TLB entry "vcpu 0 gfn 0x3 .*" is wider than the tables: .* is read-only, and no flush of vcpu 0 is pending/,
    { spte_update: 'stale-entry' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot(2 ** 18, { dirty_log: true, readonly_host: true });
      const v1 = vm.thread('v1', 1, vm.read(PAGE3, 1));
      vm.to(v1, 'tdp_page_fault', Op.acquire);
      vm.setup(vm.write(PAGE3, 1), vm.harvest());
      vm.to(v1, settings.spte_update === 'stale-entry' ? 'update' : 'mmu_spte_exchange', Op.read);
      return caught(vm, () => {
        vm.finish(vm.thread('v0', 0, vm.write(PAGE3, 2)));
        vm.finish(v1);
      });
    },
  );

  plays(
    'B-03 breaks INV-D1',
    'INV-D1',
    /gfn 0x3 can be written unnoticed: bit 3 of the dirty bitmap of slot 0 is clear .* is writable/,
    { dirtylog: 'protect-then-swap' },
    { dirtylog: 'swap-then-protect' },
    (settings) => {
      const vm = new Checked(settings).memslot(2 ** 18, { dirty_log: true });
      vm.setup(vm.write(PAGE3, 1));
      const m = vm.thread('m', 1, vm.harvest());
      vm.to(m, 'publish_memslots', Op.write);
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      return caught(vm, () => {
        vm.blocked(v0);
        vm.finish(m);
        vm.finish(v0);
      });
    },
  );

  plays(
    'B-05 breaks INV-D1: the fast path marks only the first page of a large spte',
    'INV-D1',
    /gfn 0x1 can be written unnoticed: .* the level 2 spte .* is writable/,
    { large_wp: 'lazy-unchecked' },
    { large_wp: 'lazy-checked', ro_large: 'dropped' },
    (settings) => {
      const vm = new Checked(settings).memslot(2 ** 21, { huge: true });
      vm.setup(vm.write(0, 1), vm.vm('enable_dirty_log', { slot: vm.slot }));
      return caught(vm, () => vm.setup(vm.write(5 * 4096, 1)));
    },
  );

  plays(
    'B-06 breaks INV-D1',
    'INV-D1',
    /gfn 0x3 can be written unnoticed/,
    { fpf_mark: 'before' },
    {},
    (settings) => {
      const vm = harvested(settings, 'write');
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      const m = vm.thread('m', 1, vm.harvest());
      vm.to(v0, 'fast_pf_fix_direct_spte', Op.cmpxchg);
      return caught(vm, () => {
        vm.blocked(m);
        vm.finish(v0);
        vm.finish(m);
      });
    },
  );

  plays(
    'B-07 breaks INV-H3',
    'INV-H3',
    /kvm_set_pfn_dirty.* neither the guest nor the host has ever stored to it/,
    { hostw_bit: '9', eptad: 'on' },
    { eptad: 'on' },
    (settings) => {
      const vm = new Checked(settings).memslot();
      return caught(vm, () => vm.setup(vm.read(PAGE3), vm.mm('swap_out', { hva: PAGE3 })));
    },
  );

  plays(
    'B-08 breaks INV-D1',
    'INV-D1',
    /gfn 0x4 can be written unnoticed/,
    { dirty_set: 'nonatomic' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot(2 ** 18, { dirty_log: true });
      vm.setup(vm.write(PAGE3, 1), vm.write(PAGE4, 1), vm.harvest(), vm.op(vm.vcpu(), 'run'));
      const v0 = vm.thread('v0', 0, vm.write(PAGE3, 2));
      const bad = settings.dirty_set === 'nonatomic';
      vm.to(v0, bad ? '__set_bit_le' : 'set_bit_le', bad ? Op.write : Op.or);
      return caught(vm, () => {
        vm.finish(vm.thread('v1', 1, vm.write(PAGE4, 2, 1)));
        vm.finish(v0);
      });
    },
  );

  plays(
    'B-11 breaks INV-B1',
    'INV-B1',
    /has memory type 2, which does not exist/,
    { age_bit: 'fixed5' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot();
      return caught(vm, () => vm.setup(vm.read(PAGE3), vm.mm('age', { hva: PAGE3 })));
    },
  );

  plays(
    'B-12 breaks INV-P1',
    'INV-P1',
    /one access of vcpu 0 has faulted 17 times while no other thread ran/,
    { ro_large: 'kept' },
    { ro_large: 'dropped' },
    (settings) => {
      const vm = new Checked(settings).memslot(2 ** 21, { huge: true, readonly_host: true });
      vm.setup(vm.read(5 * 4096), vm.vm('enable_dirty_log', { slot: vm.slot }));
      return caught(vm, () => vm.finish(vm.thread('guest', 0, vm.write(5 * 4096, 1))));
    },
  );

  plays(
    'C-01 breaks INV-H1',
    'INV-H1',
    /was written by the guest at step \d+ and looks clean to the host: PageDirty is not set, and no spte maps it any more/,
    { volatile_rule: 'ad-only' },
    {},
    (settings) => {
      const vm = harvested(settings, 'read');
      const n = vm.thread('n', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n, 'xchg_if_volatile');
      return caught(vm, () => {
        vm.finish(vm.thread('v0', 0, vm.write(PAGE3, 7)));
        vm.finish(n);
      });
    },
  );

  plays(
    'C-02 breaks INV-H2',
    'INV-H2',
    /the A bit of the spte at 0x\w+ is lost/,
    { clear_spte: 'plain' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot();
      vm.setup(vm.write(PAGE3, 1), vm.mm('age', { hva: PAGE3 }));
      const n = vm.thread('n', 2, vm.mm('swap_out', { hva: PAGE3 }));
      vm.to(n, settings.clear_spte === 'plain' ? 'plain' : 'xchg_if_volatile');
      return caught(vm, () => {
        vm.finish(vm.thread('v0', 0, vm.read(PAGE3)));
        vm.finish(n);
      });
    },
  );

  for (const rule of ['INV-T3', 'INV-N1'])
    plays(
      `G-03 breaks ${rule}`,
      rule,
      rule === 'INV-T3' ? /was freed by setup/ : /which is not where the host has the page/,
      { notifier_retry: 'off' },
      {},
      (settings) => {
        const vm = new Checked(settings, [rule]).memslot();
        const v0 = vm.thread('v0', 0, vm.read(PAGE3));
        vm.to(v0, 'tdp_page_fault', Op.acquire);
        vm.setup(vm.mm('swap_out', { hva: PAGE3 }));
        return caught(vm, () => vm.finish(v0));
      },
    );

  plays(
    'a fault that ignores a notifier breaks INV-W4 when the page was made read-only',
    'INV-W4',
    /says that the host maps gfn 0x3 writable, which it does not \(host pte of hva 0x3000: pfn 0x\w+ read-only\)/,
    { notifier_retry: 'off' },
    {},
    (settings) => {
      const vm = new Checked(settings).memslot();
      const v0 = vm.thread('v0', 0, vm.read(PAGE3));
      vm.to(v0, 'tdp_page_fault', Op.acquire);
      vm.setup(vm.mm('make_readonly', { hva: PAGE3 }));
      return caught(vm, () => vm.finish(v0));
    },
  );
});
