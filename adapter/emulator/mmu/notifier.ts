/** What KVM does when the host changes a page (specification, section 10.3). */
import {
  BUG_ON,
  type Cell,
  clear_bits64,
  machine,
  READ_ONCE,
  read64,
  type Step,
  spin_lock,
  spin_unlock,
  WRITE_ONCE,
} from '../../machine/index.js';
import { age_by_tracking } from './acc_track.js';
import {
  KVM_NR_PAGE_SIZES,
  PT_PAGE_TABLE_LEVEL,
  PT_WRITABLE_MASK,
  PT64_BASE_ADDR_MASK,
  pfn_to_pte,
} from './bits.js';
import { KVM_AGE_PAGE } from './events.js';
import { rmap_get_first, rmap_get_next } from './pte_list.js';
import { __gfn_to_rmap } from './rmap.js';
import { drop_spte, mmu_spte_clear_track_bits, mmu_spte_set } from './spte.js';
import { srcu_read_lock, srcu_read_unlock } from './srcu.js';
import { pte_pfn, pte_write } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import { kvm_flush_remote_tlbs } from './tlb.js';

/** What is done with one chain; `data` is the handler's own. Returns whether there was anything of interest. */
type RmapHandler = (kvm: Kvm, rmapp: Cell, data: number) => Step<boolean>;

/** Runs a handler on every chain that maps a host address. */
function* kvm_handle_hva(kvm: Kvm, hva: number, handler: RmapHandler, data: number): Step<boolean> {
  const slots = kvm.memslots.memslots.items();
  let retval = false;
  for (let k = 0; k < slots.length; k++) {
    const slot = slots[k] as KvmMemorySlot;
    const offset = Math.floor((hva - slot.userspace_addr) / 4096);
    if (offset < 0 || offset >= slot.npages) continue;
    const gfn = slot.base_gfn + offset;
    let ret = false;
    for (let level = PT_PAGE_TABLE_LEVEL; level < PT_PAGE_TABLE_LEVEL + KVM_NR_PAGE_SIZES; level++)
      if (yield* handler(kvm, __gfn_to_rmap(gfn, level, slot), data)) ret = true;
    if (machine.wants(KVM_AGE_PAGE)) machine.emit(KVM_AGE_PAGE, [hva, gfn, ret]);
    retval = retval || ret;
  }
  return retval;
}

/** Unmaps a chain. */
export function* kvm_unmap_rmapp(kvm: Kvm, rmapp: Cell): Step<boolean> {
  let need_tlb_flush = false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; sptep = rmap_get_first(rmapp)) {
    yield* drop_spte(kvm, sptep);
    need_tlb_flush = true;
  }
  return need_tlb_flush;
}

/** Points a chain to another frame, read-only; a writable one is left for the next fault. */
function* kvm_set_pte_rmapp(kvm: Kvm, rmapp: Cell, pte: number): Step<boolean> {
  const { bits } = kvm;
  let need_flush = false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; ) {
    need_flush = true;
    if (pte_write(pte)) {
      yield* drop_spte(kvm, sptep);
      sptep = rmap_get_first(rmapp);
      continue;
    }
    const old = yield* read64(sptep);
    const keep =
      old & ~(PT64_BASE_ADDR_MASK | PT_WRITABLE_MASK | bits.SPTE_HOST_WRITEABLE | bits.shadow_accessed_mask);
    yield* mmu_spte_clear_track_bits(kvm, sptep);
    const unused = bits.shadow_acc_track_value === 0n ? keep : bits.mark_spte_for_access_track(keep);
    yield* mmu_spte_set(kvm, sptep, unused | pfn_to_pte(pte_pfn(pte)));
    sptep = rmap_get_next(rmapp, sptep);
  }
  return need_flush;
}

/** Whether a chain was used since it was last asked; it counts as unused from now on. */
function* kvm_age_rmapp(kvm: Kvm, rmapp: Cell): Step<boolean> {
  const { bits } = kvm;
  if (bits.shadow_acc_track_value !== 0n) return yield* age_by_tracking(kvm, rmapp);
  if (bits.shadow_accessed_mask === 0n) return yield* kvm.variant.age_without_a(kvm, rmapp);
  let young = false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; sptep = rmap_get_next(rmapp, sptep)) {
    const spte = yield* read64(sptep);
    BUG_ON(!bits.is_shadow_present_pte(spte), 'kvm_age_rmapp: the spte is not present');
    if ((spte & bits.age_mask) === 0n) continue;
    young = true;
    yield* clear_bits64(sptep, bits.age_mask);
  }
  return young;
}

/** Whether a chain was used, without a change. */
function* kvm_test_age_rmapp(kvm: Kvm, rmapp: Cell): Step<boolean> {
  const { bits } = kvm;
  if (bits.shadow_accessed_mask === 0n && bits.shadow_acc_track_value === 0n) return false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; sptep = rmap_get_next(rmapp, sptep)) {
    const spte = yield* read64(sptep);
    BUG_ON(!bits.is_shadow_present_pte(spte), 'kvm_test_age_rmapp: the spte is not present');
    if (bits.shadow_acc_track_value === 0n ? (spte & bits.age_mask) !== 0n : bits.is_accessed_spte(spte))
      return true;
  }
  return false;
}

export function* kvm_unmap_hva(kvm: Kvm, hva: number): Step<boolean> {
  return yield* kvm_handle_hva(kvm, hva, kvm_unmap_rmapp, 0);
}

/** The host takes a page away; its entry in the host page table is gone already, the page is not freed yet. */
export function* kvm_mmu_notifier_invalidate_page(kvm: Kvm, hva: number): Step<void> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* spin_lock(kvm.mmu_lock);
  yield* WRITE_ONCE(kvm, 'mmu_notifier_seq', kvm.mmu_notifier_seq + 1);
  const unmapped = yield* kvm_unmap_hva(kvm, hva);
  const tlbs_dirty = yield* READ_ONCE(kvm, 'tlbs_dirty');
  yield* kvm.variant.notifier_flush.finish(kvm, unmapped || tlbs_dirty !== 0);
  srcu_read_unlock(kvm.srcu, idx);
}

/** The host is going to change a range; no new mapping of anything is made until it has said that it is done. */
export function* kvm_mmu_notifier_invalidate_range_start(kvm: Kvm, start: number, end: number): Step<void> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* spin_lock(kvm.mmu_lock);
  yield* WRITE_ONCE(kvm, 'mmu_notifier_count', kvm.mmu_notifier_count + 1);
  let need_tlb_flush = false;
  for (let hva = start; hva < end; hva += 4096) if (yield* kvm_unmap_hva(kvm, hva)) need_tlb_flush = true;
  const tlbs_dirty = yield* READ_ONCE(kvm, 'tlbs_dirty');
  yield* kvm.variant.notifier_flush.finish(kvm, need_tlb_flush || tlbs_dirty !== 0);
  srcu_read_unlock(kvm.srcu, idx);
}

/** The host has changed the range. */
export function* kvm_mmu_notifier_invalidate_range_end(kvm: Kvm): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  // The number first: a fault that sees the count at 0 must also see that something has changed.
  yield* WRITE_ONCE(kvm, 'mmu_notifier_seq', kvm.mmu_notifier_seq + 1);
  yield* WRITE_ONCE(kvm, 'mmu_notifier_count', kvm.mmu_notifier_count - 1);
  yield* spin_unlock(kvm.mmu_lock);
  BUG_ON(kvm.mmu_notifier_count < 0, 'kvm_mmu_notifier_invalidate_range_end: more ends than starts');
}

/** The host asks whether a page was used, and wants to hear of the next use. */
export function* kvm_mmu_notifier_clear_flush_young(kvm: Kvm, hva: number): Step<boolean> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* spin_lock(kvm.mmu_lock);
  const young = yield* kvm_handle_hva(kvm, hva, kvm_age_rmapp, 0);
  yield* kvm.variant.notifier_flush.finish(kvm, young);
  srcu_read_unlock(kvm.srcu, idx);
  return young;
}

/** The host asks whether a page was used. */
export function* kvm_mmu_notifier_test_young(kvm: Kvm, hva: number): Step<boolean> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* spin_lock(kvm.mmu_lock);
  const young = yield* kvm_handle_hva(kvm, hva, kvm_test_age_rmapp, 0);
  yield* spin_unlock(kvm.mmu_lock);
  srcu_read_unlock(kvm.srcu, idx);
  return young;
}

/** The host puts another frame behind an address. */
export function* kvm_mmu_notifier_change_pte(kvm: Kvm, hva: number, pte: number): Step<void> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* spin_lock(kvm.mmu_lock);
  yield* WRITE_ONCE(kvm, 'mmu_notifier_seq', kvm.mmu_notifier_seq + 1);
  const changed = yield* kvm_handle_hva(kvm, hva, kvm_set_pte_rmapp, pte);
  if (changed) yield* kvm_flush_remote_tlbs(kvm);
  yield* spin_unlock(kvm.mmu_lock);
  srcu_read_unlock(kvm.srcu, idx);
}
