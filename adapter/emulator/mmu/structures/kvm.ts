/** The virtual machine. */
import {
  ANY,
  absent,
  handle,
  type Instance,
  int,
  type KArray,
  KList,
  Lock,
  listOf,
  own,
  struct,
} from '../../../machine/index.js';
import type { SpteBits } from '../bits.js';
import type { WalkBits } from '../hw/walk.js';
import type { Observers } from '../observers.js';
import { Srcu } from '../srcu.js';
import type { Variant } from '../variant.js';
import { CountedLock } from './counted_lock.js';
import type { Cpu } from './cpu.js';
import { HashTable } from './hash_table.js';
import type { MmStruct } from './host.js';
import type { KvmMain } from './kvm_main.js';
import type { KvmMemslots } from './memslot.js';
import type { KvmMmuPage } from './mmu_page.js';
import { part } from './pointer.js';
import type { EmulatorStat, KvmVmStat } from './stat.js';
import type { KvmVcpu } from './vcpu.js';

/** Where unsync pages that only a whole flush syncs are kept. */
const global_pages = { guard: 'mmu_lock', ...absent<KvmArch>((a): boolean => a.oos_global_pages === null) };

/** `struct kvm_arch`. */
export const kvm_arch = struct('kvm_arch', 'The x86 part of a virtual machine: its shadow pages.', {
  n_used_mmu_pages: int('Shadow pages in use.', { guard: 'racy' }),
  indirect_shadow_pages: int(
    'Shadow pages of guest tables; 0: no store to guest memory has to be looked at.',
    {
      guard: 'racy',
    },
  ),
  n_max_mmu_pages: int('Shadow pages that there may be.', { guard: 'mmu_lock' }),
  reader_counter: int('Lockless walks under way; only `walk_guard: rcu` counts them.', {
    guard: 'racy',
    ...absent<KvmArch>((a): boolean => a.reader_counter === 0),
  }),
  invlpg_counter: int('INVLPG instructions; only `invlpg: prefill-counter` counts them.', {
    guard: 'racy',
    ...absent<KvmArch>((a): boolean => a.invlpg_counter === 0),
  }),
  rcu_pages: own(
    listOf(handle('kvm_mmu_page')),
    'Shadow pages that are freed when the last of those walks has ended.',
    () => new KList<KvmMmuPage>(),
    { ...absent<KvmArch>((a): boolean => a.rcu_pages.length === 0) },
  ),
  oos_global_pages: part<KArray<KvmMmuPage | null> | KList<KvmMmuPage> | null>(
    listOf(handle('kvm_mmu_page')),
    'Unsync pages that are synced only when all of the TLB is flushed: a ring of 7 with `oos: rfc`, a list with `oos: global-list`.',
    global_pages,
  ),
  oos_global_idx: int('Where the ring takes the next page.', global_pages),
  mmu_page_hash: own(
    listOf(handle('kvm_mmu_page')),
    'Shadow pages by gfn, in buckets of `gfn & 1023`; the newest of a bucket comes first.',
    () => new HashTable(),
  ),
  active_mmu_pages: own(
    listOf(handle('kvm_mmu_page')),
    'All shadow pages, the newest first; reclaim takes the last.',
    () => new KList<KvmMmuPage>(),
    {
      guard: 'mmu_lock',
    },
  ),
});
export interface KvmArch extends Instance<typeof kvm_arch> {}

/** `struct kvm`. */
export const kvm_struct = struct(
  'kvm',
  'A virtual machine.',
  {
    mmu_lock: own(
      { kind: 'lock' },
      'Protects shadow pages, reverse maps, sptes that are being installed, and the notifier counters.',
      () => new CountedLock('mmu_lock', 'spinlock', 'kvm->mmu_lock'),
    ),
    slots_lock: own(
      { kind: 'lock' },
      'Serialises changes of memory slots and harvests of the dirty log.',
      () => new Lock('slots_lock', 'mutex', 'kvm->slots_lock'),
    ),
    requests_lock: own(
      { kind: 'lock' },
      'Serialises requests to all vCPUs; only `ipi: dedupe-locked` takes it.',
      () => new Lock('requests_lock', 'spinlock', 'kvm->requests_lock'),
    ),
    srcu: own(ANY, 'Read sections of those who look at memory slots.', () => new Srcu('kvm.srcu')),
    memslots: part<KvmMemslots>(handle('kvm_memslots'), 'The memory slots.', { guard: 'racy' }),
    vcpus: part<KArray<KvmVcpu>>(listOf(handle('kvm_vcpu')), 'The vCPUs, by their numbers.'),
    mmu_notifier_seq: int('Counts host changes; a fault that saw an older number starts again.', {
      guard: 'racy',
    }),
    mmu_notifier_count: int('Host changes of ranges that are under way.', { guard: 'racy' }),
    tlbs_dirty: int('Not 0: sptes were dropped without a flush.', { guard: 'racy' }),
    arch: part<KvmArch>(handle('kvm_arch'), 'The x86 part.'),
    stat: part<KvmVmStat>(handle('kvm_vm_stat'), 'Counters.'),
    emulator_stat: part<EmulatorStat>(handle('emulator_stat'), 'Counters that the kernel does not have.'),
    guest_tables: int('Where the next page for a guest table is taken.', { show: 'hex', readonly: true }),
    mm: part<MmStruct>(handle('mm_struct'), 'The memory of the process that runs the guest.'),
    cpus: part<KArray<Cpu>>(listOf(handle('cpu')), 'The physical CPUs.'),
  },
  (k: Kvm): string => `${k.vcpus.length} vCPUs, ${k.arch.n_used_mmu_pages} shadow pages`,
);
export interface Kvm extends Instance<typeof kvm_struct> {
  /** What all virtual machines share. */
  main: KvmMain;
  /** The hardware translates guest physical addresses itself: nothing is shadowed. */
  tdp: boolean;
  /** The layout of sptes. */
  bits: SpteBits;
  /** The same for page walks of the hardware. */
  walk: WalkBits;
  /** What differs between kernels: chosen at boot. */
  variant: Variant;
  /** Who wants to hear of what happens inside. */
  observers: Observers;
}
