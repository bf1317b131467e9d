/** Marking pages as written. */
import type { Step } from '../../machine/index.js';
import { kvm_memslots, search_memslots } from './memslot.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';

/** Sets the bit of a page of a slot that is being logged. Needs no lock. */
export function* mark_page_dirty_in_slot(kvm: Kvm, memslot: KvmMemorySlot | null, gfn: number): Step<void> {
  if (memslot === null || memslot.dirty_bitmap === null) return;
  const rel = gfn - memslot.base_gfn;
  yield* kvm.variant.dirty_set(memslot, rel);
  for (const o of kvm.observers.dirtySet) o(memslot, rel);
}

/** Marks a guest frame as written; the caller is a reader of kvm.srcu. */
export function* mark_page_dirty(kvm: Kvm, gfn: number): Step<void> {
  const slots = yield* kvm_memslots(kvm);
  yield* mark_page_dirty_in_slot(kvm, search_memslots(slots, gfn), gfn);
}
