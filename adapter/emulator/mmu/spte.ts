/** Primitives on single sptes (specification, section 6). All but the lockless read are called with `mmu_lock` held. */
import { machine, read64, type Step, write64, xchg64 } from '../../machine/index.js';
import { is_large_pte, PT_PAGE_TABLE_LEVEL, type SpteBits, spte_to_pfn } from './bits.js';
import { kvm_set_pfn_accessed, kvm_set_pfn_dirty } from './pfn.js';
import { rmap_remove } from './rmap.js';
import type { Kvm } from './structures/kvm.js';
import { page_header } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';
import { WARN_ON } from './warn.js';

/** Whether the hardware or the fast path may change the spte between a read and a plain write of it. */
export const spte_has_volatile_bits = (kvm: Kvm, spte: bigint): boolean =>
  kvm.variant.volatile_rule(kvm.bits, spte);

/** Installs an spte where none is. */
export function* mmu_spte_set(kvm: Kvm, sptep: number, new_spte: bigint): Step<void> {
  const old_spte = yield* read64(sptep);
  WARN_ON(kvm.bits.is_shadow_present_pte(old_spte), 'mmu_spte_set: the spte is present');
  yield* write64(sptep, new_spte);
}

/** Clears an entry that has no A and D bits worth keeping: a link, or an MMIO spte. */
export function* mmu_spte_clear_no_track(bits: SpteBits, sptep: number): Step<void> {
  yield* write64(sptep, bits.shadow_trap_nonpresent_pte);
}

/**
 * Gives a present spte other bits; the frame must stay the same. Returns the value that was replaced, as far as it is known:
 * with an atomic exchange it is exact, with a plain write it is what was read before.
 */
export function* mmu_spte_exchange(kvm: Kvm, sptep: number, new_spte: bigint): Step<bigint> {
  const { bits } = kvm;
  let old_spte = yield* read64(sptep);
  WARN_ON(!bits.is_shadow_present_pte(new_spte), 'mmu_spte_update: the new spte is not present');
  if (!bits.is_shadow_present_pte(old_spte)) {
    yield* mmu_spte_set(kvm, sptep, new_spte);
    return 0n;
  }
  if (spte_has_volatile_bits(kvm, old_spte)) old_spte = yield* xchg64(sptep, new_spte);
  else yield* write64(sptep, new_spte);
  return old_spte;
}

/** Tells the host of the A and D bits that an update took away. */
export function track_cleared_bits(kvm: Kvm, old_spte: bigint, new_spte: bigint): void {
  const { bits } = kvm;
  if (bits.is_accessed_spte(old_spte) && !bits.is_accessed_spte(new_spte))
    kvm_set_pfn_accessed(kvm, spte_to_pfn(old_spte));
  if (bits.is_dirty_spte(old_spte) && !bits.is_dirty_spte(new_spte))
    kvm_set_pfn_dirty(kvm, spte_to_pfn(old_spte));
}

/**
 * Clears an spte and tells the host whether the frame was used and written. Returns whether there was anything to clear.
 * @param nonpresent what the entry holds from then on
 */
export function* mmu_spte_clear_track_bits(
  kvm: Kvm,
  sptep: number,
  nonpresent = kvm.bits.shadow_trap_nonpresent_pte,
): Step<boolean> {
  const { bits } = kvm;
  let old_spte = yield* read64(sptep);
  old_spte = yield* kvm.variant.clear_spte(kvm, sptep, old_spte, nonpresent);
  if (!bits.is_shadow_present_pte(old_spte)) return false;
  const pfn = spte_to_pfn(old_spte);
  if (bits.is_accessed_spte(old_spte)) kvm_set_pfn_accessed(kvm, pfn);
  if (kvm.variant.dirty_track.released_dirty(bits, old_spte)) kvm_set_pfn_dirty(kvm, pfn);
  return true;
}

/** Removes a leaf spte from its table and from the reverse map. The flush is the caller's duty. */
export function* drop_spte(
  kvm: Kvm,
  sptep: number,
  nonpresent = kvm.bits.shadow_trap_nonpresent_pte,
): Step<void> {
  if (!(yield* mmu_spte_clear_track_bits(kvm, sptep, nonpresent))) return;
  const { lookup } = kvm.variant.shrink_slots;
  if (lookup !== null) yield* lookup(kvm);
  rmap_remove(kvm, sptep);
}

/** Drops an spte if it is large; returns whether it was. */
export function* __drop_large_spte(kvm: Kvm, sptep: number): Step<boolean> {
  const spte = yield* read64(sptep);
  if (!is_large_pte(spte)) return false;
  WARN_ON(
    page_header(sptep).level === PT_PAGE_TABLE_LEVEL,
    '__drop_large_spte: a large spte in a table of level 1',
  );
  yield* drop_spte(kvm, sptep);
  kvm.stat.lpages--;
  return true;
}

/** Drops an spte if it is large, and flushes everywhere. */
export function* drop_large_spte(vcpu: KvmVcpu, sptep: number): Step<void> {
  if (yield* __drop_large_spte(vcpu.kvm, sptep)) yield* vcpu.kvm.variant.size_change_flush(vcpu.kvm);
}

/** An spte as it is, where nothing that another CPU could do meanwhile matters: looking is no step. */
export const peek_spte = (sptep: number): bigint => machine.phys.$get(sptep);
