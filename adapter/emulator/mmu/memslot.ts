/** Finding the memory slot of a guest frame. */
import { READ_ONCE, type Step } from '../../machine/index.js';
import type { Kvm } from './structures/kvm.js';
import { KVM_MEMSLOT_INVALID, type KvmMemorySlot, type KvmMemslots } from './structures/memslot.js';

/** The slot that holds a gfn, also one that is being deleted; null when there is none. */
export function search_memslots(slots: KvmMemslots, gfn: number): KvmMemorySlot | null {
  for (const slot of slots.memslots.items())
    if (gfn >= slot.base_gfn && gfn < slot.base_gfn + slot.npages) return slot;
  return null;
}

/** The published slots, for a reader of kvm.srcu. */
export function* kvm_memslots(kvm: Kvm): Step<KvmMemslots> {
  return yield* READ_ONCE(kvm, 'memslots');
}

/** The slot of a gfn where `mmu_lock` is held: what is installed there is undone by whoever changes slots, so looking is no step. */
export const gfn_to_memslot_unsafe = (kvm: Kvm, gfn: number): KvmMemorySlot | null =>
  search_memslots(kvm.memslots, gfn);

/** Whether mappings may be made for the slot. */
export const memslot_is_visible = (slot: KvmMemorySlot | null): slot is KvmMemorySlot =>
  slot !== null && (slot.flags & KVM_MEMSLOT_INVALID) === 0n;
