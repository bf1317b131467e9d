/**
 * Access tracking where the hardware notes no accesses (specification, sections 8.2 and 11.1; since 4.11): an entry that is aged
 * becomes unreadable and keeps all else, and the next access makes it readable again, without `mmu_lock`.
 */
import { BUG_ON, type Cell, read64, type Step } from '../../machine/index.js';
import { is_writable_pte, spte_to_pfn } from './bits.js';
import { kvm_set_pfn_dirty } from './pfn.js';
import { rmap_get_first, rmap_get_next } from './pte_list.js';
import { mmu_spte_exchange } from './spte.js';
import type { Kvm } from './structures/kvm.js';

/** Whether an entry was used since it was last asked; it counts as unused from now on. `mmu_lock` is held; the caller flushes. */
function* mmu_spte_age(kvm: Kvm, sptep: number): Step<boolean> {
  const { bits } = kvm;
  const spte = yield* read64(sptep);
  BUG_ON(!bits.is_shadow_present_pte(spte), 'mmu_spte_age: the spte is not present');
  if (!bits.is_accessed_spte(spte)) return false;
  // W goes as well, and with it what says that the page was written.
  if (is_writable_pte(spte)) kvm_set_pfn_dirty(kvm, spte_to_pfn(spte));
  yield* mmu_spte_exchange(kvm, sptep, bits.mark_spte_for_access_track(spte));
  return true;
}

/** The same for a chain. */
export function* age_by_tracking(kvm: Kvm, rmapp: Cell): Step<boolean> {
  let young = false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; sptep = rmap_get_next(rmapp, sptep))
    if (yield* mmu_spte_age(kvm, sptep)) young = true;
  return young;
}
