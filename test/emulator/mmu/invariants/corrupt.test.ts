/** Each rule notices when the state is corrupted by hand. Those about shadowed guest tables have a file of their own. */
import assert from 'node:assert/strict';
import { kvm_mmu_page } from '../../../../adapter/emulator/mmu/structures/mmu_page.js';
import { page_header } from '../../../../adapter/emulator/mmu/structures/spt.js';
import type { TlbEntry } from '../../../../adapter/emulator/mmu/structures/tlb.js';
import { type Failure, READ, type Thread } from '../../../../adapter/machine/index.js';
import { Checked, caught } from './checked.js';

const PAGE3 = 0x3000;

/** A virtual machine with one rule checked, in which page 3 was written. */
function running(rule: string, slot: Readonly<Record<string, unknown>> = {}, settings = {}): Checked {
  const vm = new Checked(settings, [rule], 10_000).memslot(2 ** 21, slot);
  vm.setup(vm.write(PAGE3, 1));
  assert.equal(vm.look(), null);
  return vm;
}

function breaks(failure: Failure | null, rule: string, message: RegExp): void {
  assert.deepEqual([failure?.kind, failure?.rule], ['invariant', rule]);
  assert.match(failure?.message ?? '', message);
  assert.match(failure?.report ?? '', new RegExp(`^The rule ${rule}: \\w.*\\.`));
}

/** Changes the entry of page 3 as kernel code would. */
function change(vm: Checked, f: (spte: bigint) => bigint): void {
  const { sptep, value } = vm.spte(3);
  vm.machine.phys.$store(sptep, f(value));
}

/** Caches a translation as the hardware would. */
function fill(vm: Checked, gfn: number, level: number, init: Partial<TlbEntry>): void {
  const e = vm.vcpu().tlb.entryFor(gfn, level);
  Object.assign(e, { pfn: vm.spte(3).pfn - 3 + gfn, sptep: vm.spte(3).sptep, executable: true, ...init });
  vm.vcpu().tlb.insert(e);
  for (const o of vm.instance.observers.tlbFilled) o(vm.vcpu(), e);
}

/** Runs a critical section of `mmu_lock`: rules about what it protects look when it ends. */
const section = (vm: Checked): Failure | null => caught(vm, () => vm.setup(vm.mm('age', { hva: 0x8000 })));

describe('mmu invariants: corrupted state', () => {
  it('INV-T1 and INV-D1: a page of the log can be written without a fault', () => {
    for (const rule of ['INV-T1', 'INV-D1']) {
      const cached = running(rule, { dirty_log: true });
      cached.setup(cached.harvest(), cached.op(cached.vcpu(), 'run'));
      assert.equal(cached.spte(3).writable, false);
      fill(cached, 3, 1, { writable: true });
      breaks(cached.look(), rule, /gfn 0x3 .*unnoticed/);
    }
    const mapped = running('INV-D1', { dirty_log: true });
    mapped.setup(mapped.harvest());
    change(mapped, (v) => v | 2n);
    breaks(mapped.look(), 'INV-D1', /gfn 0x3 can be written unnoticed: bit 3 .* is writable/);
  });

  it('INV-T3: a frame is freed while it is mapped', () => {
    const vm = running('INV-T3');
    const { pfn } = vm.spte(3);
    vm.machine.phys.free(pfn);
    for (const o of vm.instance.observers.frameFreed) o(pfn);
    breaks(vm.look(), 'INV-T3', /frame 0x\w+ was freed by setup at step \d+, but/);
  });

  it('INV-H1 and INV-H2: D and A get lost', () => {
    const dirty = running('INV-H1');
    change(dirty, (v) => v & ~(1n << 9n));
    breaks(dirty.look(), 'INV-H1', /was written by the guest at step \d+ and looks clean to the host/);
    const used = running('INV-H2');
    change(used, (v) => v & ~(1n << 8n));
    breaks(used.look(), 'INV-H2', /the A bit of the spte at 0x\w+ is lost/);
  });

  it('INV-H3: D appears although nobody has stored', () => {
    const vm = new Checked({}, ['INV-H3']).memslot(2 ** 21);
    vm.setup(vm.read(PAGE3));
    // The hardware would set it in the entry that is there.
    const { sptep, value } = vm.spte(3);
    vm.machine.phys.$store(sptep, 0n);
    vm.machine.phys.$store(sptep, value | (1n << 9n));
    assert.throws(() => vm.setup(vm.mm('swap_out', { hva: PAGE3 })), /INV-H3/);
    breaks(vm.machine.failure, 'INV-H3', /neither the guest nor the host has ever stored to it/);
  });

  it('INV-P1: an entry above the leaf loses W, and a store faults for ever', () => {
    const vm = running('INV-P1');
    const [link] = parents(vm);
    vm.machine.phys.$store(link, vm.machine.phys.$get(link) & ~2n);
    for (const v of [vm.vcpu(0)]) for (const e of v.tlb.all()) v.tlb.remove(e);
    assert.throws(() => vm.setup(vm.write(PAGE3, 2)), /INV-P1/);
    breaks(vm.machine.failure, 'INV-P1', /one access of vcpu 0 has faulted 17 times/);
  });

  it('INV-C7: the shrinker takes nothing', () => {
    const vm = running('INV-C7');
    assert.throws(() => vm.setup(vm.mm('shrink', { nr_to_scan: 1 })), /INV-C7/);
    breaks(vm.machine.failure, 'INV-C7', /has taken no page, although one of them has 4 shadow pages/);
  });

  it('INV-K2: a lock is read once more behind a writer', () => {
    const vm = running('INV-K2');
    const { mmap_sem } = vm.host;
    const reader = vm.thread('reader', 1, vm.mm('vm_fault', { gpa: 0x9000 }));
    const writer = vm.thread('writer', 2, vm.mm('collapse', { hva: 0 }));
    // As if it had begun to read before.
    mmap_sem.$store(READ, [reader]);
    assert.equal(vm.blocked(writer), false);
    assert.throws(() => vm.blocked(reader), /INV-K2/);
    breaks(
      vm.machine.failure,
      'INV-K2',
      /reader holds mmap_sem for reading and takes it once more, behind writer/,
    );
  });

  it('INV-K1: two threads wait for each other', () => {
    const vm = running('INV-K1');
    const [a, b] = ['a', 'b'].map((name, n) => vm.thread(name, n + 1, vm.vm('set_nr_mmu_pages', { n: 100 })));
    // As if it had begun with the wrong one of the two locks.
    vm.kvm.mmu_lock.owner = b as Thread;
    assert.equal(vm.blocked(a as Thread), false);
    assert.throws(() => vm.blocked(b as Thread), /INV-K1/);
    breaks(
      vm.machine.failure,
      'INV-K1',
      /b waits for slots_lock, which a keeps from it, and a waits for mmu_lock, which b keeps from it/,
    );
  });

  it('INV-T5: an address is cached with two sizes', () => {
    const vm = running('INV-T5');
    fill(vm, 0, 2, {});
    breaks(vm.look(), 'INV-T5', /vcpu 0 holds two translations of gfn 0x3/);
  });

  it('INV-T4: more is cached than the tables allow', () => {
    const vm = running('INV-T4');
    change(vm, () => 0n);
    breaks(vm.look(), 'INV-T4', /"vcpu 0 gfn 0x3 .*" is wider than the tables: .* maps nothing/);
    const other = running('INV-T4');
    change(other, (v) => v & ~4n);
    breaks(other.look(), 'INV-T4', /forbids execution/);
  });

  it('INV-T4 waits until nobody is inside an operation', () => {
    const vm = running('INV-T4');
    const t = vm.thread('t', 1, vm.mm('age', { hva: 0x8000 }));
    vm.to(t, 'kvm_mmu_notifier_clear_flush_young');
    change(vm, () => 0n);
    assert.equal(vm.look(), null);
    assert.throws(() => vm.finish(t), /INV-T4/);
  });

  it('INV-W2: W without the software bits', () => {
    for (const [bit, name] of [
      [10n, 'SPTE_HOST_WRITEABLE'],
      [11n, 'SPTE_MMU_WRITEABLE'],
    ] as const) {
      const vm = running('INV-W2');
      change(vm, (v) => v & ~(1n << bit));
      breaks(vm.look(), 'INV-W2', new RegExp(`is writable without ${name}`));
    }
  });

  it('INV-W2 in a kernel without the fast path is about SPTE_HOST_WRITEABLE alone', () => {
    const vm = running('INV-W2', {}, { profile: 'pre-fpf' });
    assert.equal(vm.spte(3).writable, true);
    change(vm, (v) => v & ~(1n << 9n) & ~(1n << 4n));
    breaks(vm.look(), 'INV-W2', /without SPTE_HOST_WRITEABLE$/);
  });

  it('INV-B1: what the hardware would not accept', () => {
    const cases: readonly [(v: bigint) => bigint, RegExp][] = [
      [(v) => v | (1n << 50n), /has reserved address bits set/],
      [(v) => v & ~(7n << 3n) & ~1n, /is writable but not readable/],
      [(v) => (v & ~(7n << 3n)) | (3n << 3n), /has memory type 3, which does not exist/],
      [(v) => v | (0xffffn << 32n), /points to a frame that does not exist/],
      [() => 4n, /is neither present, nor 0, nor a mark for MMIO/],
    ];
    for (const [f, message] of cases) {
      const vm = running('INV-B1');
      change(vm, f);
      breaks(vm.look(), 'INV-B1', message);
    }
    const mmio = running('INV-B1');
    change(mmio, () => mmio.kvm.bits.shadow_mmio_mask);
    assert.equal(mmio.look(), null);
  });

  it('INV-B1: links that lead astray', () => {
    const vm = running('INV-B1');
    const [link] = parents(vm);
    vm.machine.phys.$store(link, (BigInt(vm.spte(3).pfn) << 12n) | 7n);
    breaks(vm.look(), 'INV-B1', /does not point to a shadow page of level 1/);
  });

  /** The entry that points to the table of page 3. */
  function parents(vm: Checked): [link: number] {
    return [page_header(vm.spte(3).sptep).parent_ptes as number];
  }

  it('INV-N1 and INV-W4: the host pte changes and no notifier comes', () => {
    const moved = running('INV-N1');
    moved.host.pgd.$store(3, 0);
    breaks(
      moved.look(),
      'INV-N1',
      /maps gfn 0x3 to pfn 0x\w+, which is not where the host has the page .*not present/,
    );
    const protect = running('INV-W4');
    protect.host.pgd.$store(3, protect.host.pgd.$get(3) - 2);
    breaks(protect.look(), 'INV-W4', /says that the host maps gfn 0x3 writable, which it does not/);
  });

  it('INV-N1 waits while the host is about to call the notifier', () => {
    const vm = running('INV-N1');
    const t = vm.thread('t', 1, vm.mm('swap_out', { hva: PAGE3 }));
    vm.to(t, 'kvm_mmu_notifier_invalidate_page');
    assert.equal(vm.host.pgd.$get(3), 0);
    assert.equal(vm.spte(3).present, true);
    vm.finish(t);
    assert.equal(vm.end(), null);
  });

  it('INV-R1: an spte goes, its pointer stays; and the other way round', () => {
    const vm = running('INV-R1');
    change(vm, () => 0n);
    breaks(vm.look(), 'INV-R1', /maps nothing, but is 1 times in the level 1 reverse map of gfn 0x3/);
    const other = running('INV-R1');
    const rmap = other.kvm.memslots.memslots.items()[0]?.rmap;
    rmap?.$set(3, 0);
    change(other, (v) => v & ~1n & ~2n);
    change(other, (v) => v | 3n);
    breaks(other.look(), 'INV-R1', /is a present leaf, but is not in the level 1 reverse map/);
    const stray = running('INV-R1');
    stray.kvm.memslots.memslots.items()[0]?.rmap.$set(7, stray.spte(3).sptep + 9);
    assert.equal(stray.look(), null);
    breaks(
      stray.end(),
      'INV-R1',
      /the level 1 reverse map of gfn 0x7 \(slot 0\) points to .*, which does not map that gfn/,
    );
  });

  it('INV-R2: a link goes, its place in the parent list stays', () => {
    const vm = running('INV-R2');
    const [link] = parents(vm);
    vm.machine.phys.$store(link, 0n);
    breaks(
      vm.look(),
      'INV-R2',
      /the parent list of the shadow page of gfn 0x0 level 1 has the entry at 0x\w+, which does not point to it/,
    );
    const other = running('INV-R2');
    const [at] = parents(other);
    const word = other.machine.phys.$get(at);
    page_header(other.spte(3).sptep).parent_ptes = 0;
    other.machine.phys.$store(at, 0n);
    other.machine.phys.$store(at, word);
    breaks(other.look(), 'INV-R2', /whose parent list has it 0 times instead of once/);
  });

  it('INV-C1 and INV-C2: roots are counted, and not freed', () => {
    const counted = running('INV-C1');
    page_header(counted.vcpu().arch.mmu.root_hpa / 8).root_count++;
    breaks(
      section(counted),
      'INV-C1',
      /root_count of the shadow page of gfn 0x0 level 4 is 2, but it is the root of vcpu 0$/,
    );
    const freed = running('INV-C2');
    freed.machine.free(page_header(freed.vcpu().arch.mmu.root_hpa / 8));
    breaks(
      section(freed),
      'INV-C2',
      /was freed by setup at step \d+, but its root_count is 1 and is the root of vcpu 0/,
    );
  });

  it('INV-C6: shadow pages are counted', () => {
    const vm = running('INV-C6');
    vm.kvm.arch.n_used_mmu_pages++;
    breaks(section(vm), 'INV-C6', /n_used_mmu_pages is 5, but active_mmu_pages has 4/);
    const other = running('INV-C6');
    other.kvm.arch.n_max_mmu_pages = -1;
    breaks(section(other), 'INV-C6', /4 shadow pages are in use, but n_max_mmu_pages is -1/);
  });

  it('INV-C8: large sptes are counted', () => {
    const vm = running('INV-C8', { huge: true });
    assert.equal(vm.kvm.stat.lpages, 1);
    vm.kvm.stat.lpages = 7;
    assert.equal(vm.look(), null);
    breaks(vm.end(), 'INV-C8', /lpages is 7, but there are 1 large sptes/);
  });

  it('INV-C8: those that a notifier drops are not taken off, as in the kernel', () => {
    const vm = running('INV-C8', { huge: true });
    vm.setup(vm.mm('split', { hva: 0 }), vm.write(PAGE3, 2));
    assert.equal(vm.kvm.stat.lpages, 1);
    assert.equal(vm.end(), null);
  });

  it('INV-C10: one valid page for each gfn and role, in its bucket', () => {
    const vm = running('INV-C10');
    const { gfn, role } = page_header(vm.spte(3).sptep);
    const twin = vm.machine.alloc(new kvm_mmu_page({ gfn, role }));
    vm.kvm.arch.mmu_page_hash.add(twin);
    vm.kvm.arch.active_mmu_pages.add(twin);
    breaks(section(vm), 'INV-C10', /there are two valid shadow pages for gfn 0x0 role "1 /);
    const lost = running('INV-C10');
    const sp = page_header(lost.spte(3).sptep);
    lost.kvm.arch.mmu_page_hash.del(sp);
    breaks(lost.end(), 'INV-C10', /is not in hash bucket 0/);
  });

  it('INV-D2: a bit that was set is gone', () => {
    const vm = running('INV-D2', { dirty_log: true });
    vm.slot.dirty_bitmap?.put(0, 0n);
    assert.equal(vm.look(), null);
    breaks(
      vm.end(),
      'INV-D2',
      /the store to gfn 0x3 at step \d+ is lost: .* bit 3 of the dirty bitmap of slot 0 is clear/,
    );
    const reported = running('INV-D2', { dirty_log: true });
    reported.setup(reported.harvest());
    assert.equal(reported.end(), null);
  });

  it('INV-L2 and INV-L3: the hardware walks through what is no table', () => {
    const freed = running('INV-L2');
    freed.machine.phys.free(page_header(freed.spte(3).sptep).spt.pfn);
    fill(freed, 3, 1, {});
    breaks(freed.look(), 'INV-L2', /lies in a frame that setup freed at step \d+/);

    const guest = running('INV-L3');
    guest.setup(...Array.from({ length: 20 }, (_, i) => guest.write(8 * i, 0x1037n)));
    const link = page_header(guest.spte(3).sptep).parent_ptes as number;
    // The table of page 3 is replaced by guest page 0, whose words look like sptes.
    const word = (guest.machine.phys.$get(link) & 0xfffn) | (BigInt(guest.spte(0).pfn) << 12n);
    guest.machine.phys.$store(link, word);
    assert.throws(() => guest.finish(guest.thread('v1', 1, guest.read(0, 1))), /INV-L3/);
    breaks(guest.machine.failure, 'INV-L3', /which is not in a shadow page/);
  });

  it('tells who wrote the words last, and where', () => {
    const vm = running('INV-R1');
    const t = vm.thread('swap', 1, vm.mm('swap_out', { hva: PAGE3 }));
    const rmap = vm.kvm.memslots.memslots.items()[0]?.rmap;
    vm.to(t, 'kvm_flush_remote_tlbs');
    rmap?.$set(3, vm.spte(3, 0).sptep >= 0 ? vm.spte(3).sptep : 0);
    assert.throws(() => vm.finish(t), /INV-R1/);
    assert.match(
      vm.machine.failure?.report ?? '',
      /the spte at 0x\w+: last written by swap at step \d+ in xchg_if_volatile \(adapter\/emulator\/mmu\/variants\/clear_spte\.ts:\d+\)/,
    );
  });
});
