/** Memory slots: what guest frames there are, where they lie in the host, and the log of written pages. */
import {
  type Bitmap,
  BOOL,
  computed,
  handle,
  INT,
  type Instance,
  int,
  type KArray,
  KList,
  listOf,
  own,
  struct,
} from '../../../machine/index.js';
import { chain } from './mmu_page.js';
import { hex, part } from './pointer.js';
import type { Rmap } from './rmap_array.js';

/** The slot's written pages are logged in `dirty_bitmap`. */
export const KVM_MEM_LOG_DIRTY_PAGES = 1n;
/** The slot is being deleted: no new mapping of it may be made. */
export const KVM_MEMSLOT_INVALID = 1n << 17n;
const FLAGS = { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEMSLOT_INVALID };

/** `struct kvm_lpage_info`: what is kept for each large frame of a slot. */
export const kvm_lpage_info = struct(
  'kvm_lpage_info',
  'What is known of one large frame (2 MiB or 1 GiB) of a memory slot.',
  {
    rmap_pde: part<number | object>(INT, 'Head of the chain of large sptes that map the frame.', {
      initial: 0,
      show: chain,
      words: true,
      guard: 'mmu_lock',
    }),
    write_count: int(
      'Why the frame must not be mapped large: 1 when a slot end cuts it or its host address is not aligned.',
      {
        guard: 'racy',
      },
    ),
  },
);
export interface KvmLpageInfo extends Instance<typeof kvm_lpage_info> {}

/** `struct kvm_memory_slot`. Published as part of a `kvm_memslots`; a change publishes a copy. */
export const kvm_memory_slot = struct(
  'kvm_memory_slot',
  'A range of guest frames and the range of host virtual memory behind it. Changing flags or bitmap publishes a changed copy.',
  {
    id: int('Number of the slot.', { readonly: true }),
    base_gfn: int('First guest frame.', { show: 'hex', readonly: true }),
    npages: int('Number of guest frames.', { readonly: true }),
    flags: part<bigint>(
      { kind: 'flags', bits: FLAGS },
      'KVM_MEM_LOG_DIRTY_PAGES while written pages are logged.',
      { initial: 0n },
    ),
    userspace_addr: int('Host virtual address of the first frame.', { show: 'hex', readonly: true }),
    dirty_bitmap: part<Bitmap | null>(
      { kind: 'bitmap' },
      'Pages written since the last harvest; bit 0 is `base_gfn`. None without logging.',
      {
        guard: 'racy',
      },
    ),
    dirty_bitmap_buffer: part<Bitmap | null>(
      { kind: 'bitmap' },
      'The second half of the bitmap: what the running harvest has taken and not yet delivered.',
      {
        guard: 'slots_lock',
      },
    ),
    rmap: part<Rmap>(
      listOf(INT),
      'For each frame, the sptes of 4 KiB that map it: none, one spte, or a chain of them.',
      { show: chain, guard: 'mmu_lock' },
    ),
    lpage_info: part<KArray<KArray<KvmLpageInfo>>>(
      listOf(listOf(handle('kvm_lpage_info'))),
      'Large frames of the slot: [0] those of 2 MiB, [1] those of 1 GiB.',
    ),
  },
  (s: KvmMemorySlot): string =>
    `slot ${s.id}: gfn ${hex(s.base_gfn)}..${hex(s.base_gfn + s.npages - 1)}, hva ${hex(s.userspace_addr)}${s.dirty_bitmap === null ? '' : ', logged'}`,
);
export interface KvmMemorySlot extends Instance<typeof kvm_memory_slot> {}

/** `struct kvm_memslots`: all slots of one moment. */
export const kvm_memslots = struct(
  'kvm_memslots',
  'The memory slots as they were published together. Readers hold kvm.srcu; a new one replaces it whole.',
  {
    generation: int('Counts publications.'),
    memslots: own(
      listOf(handle('kvm_memory_slot')),
      'The slots, in order of their numbers.',
      () => new KList<KvmMemorySlot>(),
    ),
  },
  (s: KvmMemslots): string => `generation ${s.generation}, ${s.memslots.length} slots`,
);
export interface KvmMemslots extends Instance<typeof kvm_memslots> {}

const now = (m: Memslot): KvmMemorySlot => m.slots().find((s) => s.id === m.id) as KvmMemorySlot;

/** What `vm.memslot` returns: the slot as userspace knows it, by its number. */
export const memslot = struct(
  'memslot',
  'A memory slot as the VMM knows it, by its number: each field is that of the copy that is published now.',
  {
    id: int('Number of the slot.', { readonly: true }),
    exists: computed<Memslot, boolean>(
      BOOL,
      'Whether the slot has not been deleted.',
      (m): boolean => now(m) !== undefined,
    ),
    base_gfn: computed<Memslot, number>(INT, 'First guest frame.', (m): number => now(m)?.base_gfn ?? 0, {
      show: 'hex',
    }),
    npages: computed<Memslot, number>(INT, 'Number of guest frames.', (m): number => now(m)?.npages ?? 0),
    flags: computed<Memslot, bigint>(
      { kind: 'flags', bits: FLAGS },
      'KVM_MEM_LOG_DIRTY_PAGES while written pages are logged.',
      (m): bigint => now(m)?.flags ?? 0n,
    ),
    userspace_addr: computed<Memslot, number>(
      INT,
      'Host virtual address of the first frame.',
      (m): number => now(m)?.userspace_addr ?? 0,
      { show: 'hex' },
    ),
    dirty_bitmap: computed<Memslot, Bitmap | null>(
      { kind: 'bitmap' },
      'Pages written since the last harvest; bit 0 is the first page of the slot.',
      (m): Bitmap | null => now(m)?.dirty_bitmap ?? null,
    ),
    slot: computed<Memslot, KvmMemorySlot | null>(
      handle('kvm_memory_slot'),
      "The kernel's structure of the slot now.",
      (m): KvmMemorySlot | null => now(m) ?? null,
    ),
  },
  (m: Memslot): string =>
    now(m) === undefined ? `slot ${m.id}, deleted` : kvm_memory_slot.summary(now(m) as never),
);
export interface Memslot extends Instance<typeof memslot> {
  /** The slots that are published now. */
  slots: () => readonly KvmMemorySlot[];
}
