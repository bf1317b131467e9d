/** Changing memory slots (specification, section 10.1). All with `slots_lock` held. */
import {
  Bitmap,
  KArray,
  machine,
  type Step,
  spin_lock,
  spin_unlock,
  WRITE_ONCE,
} from '../../machine/index.js';
import { KVM_PAGES_PER_HPAGE } from './bits.js';
import { synchronize_srcu } from './srcu.js';
import type { Kvm } from './structures/kvm.js';
import {
  KVM_MEM_LOG_DIRTY_PAGES,
  KVM_MEMSLOT_INVALID,
  type KvmLpageInfo,
  type KvmMemorySlot,
  type KvmMemslots,
  kvm_lpage_info,
  kvm_memory_slot,
  kvm_memslots,
} from './structures/memslot.js';
import { Rmap } from './structures/rmap_array.js';
import { kvm_mmu_slot_remove_write_access } from './write_protect.js';
import { kvm_arch_flush_shadow } from './zap.js';

/** Why a large frame of a level cannot be mapped large from the start: a slot end cuts it, or the host address is misaligned. */
export function barred(
  base_gfn: number,
  npages: number,
  userspace_addr: number,
  level: number,
  gfn: number,
): boolean {
  const size = KVM_PAGES_PER_HPAGE(level);
  const start = gfn - (gfn % size);
  const cut = start < base_gfn || start + size > base_gfn + npages;
  return cut || (base_gfn - userspace_addr / 4096) % size !== 0;
}

/** What is kept for the large frames of a level: those that a slot end cuts, or that the host cannot map large, are barred. */
function lpageInfos(
  base_gfn: number,
  npages: number,
  userspace_addr: number,
  level: number,
): KArray<KvmLpageInfo> {
  const size = KVM_PAGES_PER_HPAGE(level);
  const first = Math.floor(base_gfn / size);
  const count = Math.floor((base_gfn + npages - 1) / size) - first + 1;
  const infos = new KArray<KvmLpageInfo>(count, null as unknown as KvmLpageInfo);
  for (let i = 0; i < count; i++) {
    const no = barred(base_gfn, npages, userspace_addr, level, (first + i) * size);
    infos.$set(i, new kvm_lpage_info({ write_count: no ? 1 : 0 }));
  }
  return infos;
}

/** A new slot, not yet published. */
export function create_memslot(
  id: number,
  base_gfn: number,
  npages: number,
  userspace_addr: number,
): KvmMemorySlot {
  const lpage_info = new KArray<KArray<KvmLpageInfo>>(2, null as unknown as KArray<KvmLpageInfo>);
  for (const level of [2, 3]) lpage_info.$set(level - 2, lpageInfos(base_gfn, npages, userspace_addr, level));
  return machine.alloc(
    new kvm_memory_slot({ id, base_gfn, npages, userspace_addr, rmap: new Rmap(npages), lpage_info }),
  );
}

/** Fields of a slot that a change may give other values. */
export interface SlotChange {
  readonly flags?: bigint;
  readonly dirty_bitmap?: Bitmap | null;
  readonly dirty_bitmap_buffer?: Bitmap | null;
}

/** A copy of the published slots in which one slot has other flags or another bitmap. */
export function with_slot(kvm: Kvm, memslot: KvmMemorySlot, change: SlotChange): KvmMemslots {
  const { id, base_gfn, npages, flags, userspace_addr, dirty_bitmap, dirty_bitmap_buffer, rmap, lpage_info } =
    memslot;
  const copy = new kvm_memory_slot({
    id,
    base_gfn,
    npages,
    flags,
    userspace_addr,
    dirty_bitmap,
    dirty_bitmap_buffer,
    rmap,
    lpage_info,
    ...change,
  });
  return slots_of(
    kvm,
    kvm.memslots.memslots.items().map((s) => (s.id === id ? machine.alloc(copy) : s)),
  );
}

/** A set of slots, to be published. */
function slots_of(kvm: Kvm, list: readonly KvmMemorySlot[]): KvmMemslots {
  const slots = machine.alloc(new kvm_memslots({ generation: kvm.memslots.generation + 1 }));
  for (const s of list) slots.memslots.add_tail(s);
  return slots;
}

/** Makes a set of slots the one that readers find, waits until nobody uses the one before, and frees that. */
export function* publish_memslots(kvm: Kvm, slots: KvmMemslots): Step<void> {
  const old = kvm.memslots;
  yield* WRITE_ONCE(kvm, 'memslots', slots);
  yield* synchronize_srcu(kvm.srcu);
  machine.free(old);
}

/** Adds a slot. Entries that marked its addresses as without memory are dropped. */
export function* install_new_memslot(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  yield* publish_memslots(kvm, slots_of(kvm, [...kvm.memslots.memslots.items(), memslot]));
  yield* kvm_arch_flush_shadow(kvm);
}

/** Deletes a slot: first nobody may map it any more, then what is mapped goes, then the slot itself. */
export function* delete_memslot(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  yield* publish_memslots(kvm, with_slot(kvm, memslot, { flags: memslot.flags | KVM_MEMSLOT_INVALID }));
  yield* kvm.variant.slot_delete(kvm);
  yield* publish_memslots(
    kvm,
    slots_of(
      kvm,
      kvm.memslots.memslots.items().filter((s) => s.id !== memslot.id),
    ),
  );
  machine.free(memslot.rmap);
}

/** Begins to log the written pages of a slot. */
export function* enable_dirty_log(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  const changed = with_slot(kvm, memslot, {
    flags: memslot.flags | KVM_MEM_LOG_DIRTY_PAGES,
    dirty_bitmap: machine.alloc(new Bitmap(memslot.npages)),
    dirty_bitmap_buffer: machine.alloc(new Bitmap(memslot.npages)),
  });
  yield* publish_memslots(kvm, changed);
  const now = changed.memslots.items().find((s) => s.id === memslot.id) as KvmMemorySlot;
  yield* kvm.variant.enable_log(kvm, now);
}

/** Ends the logging of a slot. What is mapped is write-protected once more, as at every change of a slot. */
export function* disable_dirty_log(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  const { dirty_bitmap, dirty_bitmap_buffer } = memslot;
  const flags = memslot.flags & ~KVM_MEM_LOG_DIRTY_PAGES;
  yield* publish_memslots(
    kvm,
    with_slot(kvm, memslot, { flags, dirty_bitmap: null, dirty_bitmap_buffer: null }),
  );
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_slot_remove_write_access(kvm, memslot.id);
  yield* spin_unlock(kvm.mmu_lock);
  machine.free(dirty_bitmap as Bitmap);
  machine.free(dirty_bitmap_buffer as Bitmap);
}
