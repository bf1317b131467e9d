/** Taking writability away (specification, section 6), with `mmu_lock` held. */
import { BUG_ON, bitsOf, type Cell, read64, type Step } from '../../machine/index.js';
import {
  is_writable_pte,
  KVM_NR_PAGE_SIZES,
  PT_PAGE_TABLE_LEVEL,
  PT_WRITABLE_MASK,
  spte_to_pfn,
} from './bits.js';
import { gfn_to_memslot_unsafe } from './memslot.js';
import { kvm_set_pfn_dirty } from './pfn.js';
import { rmap_get_first, rmap_get_next } from './pte_list.js';
import { __gfn_to_rmap } from './rmap.js';
import { __drop_large_spte, peek_spte } from './spte.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import type { KvmMmuPage } from './structures/mmu_page.js';

/** What write protection did with an spte. `dropped` invalidates iterators of its chain. */
export type Protected = 'kept' | 'flush' | 'dropped';

/**
 * Write-protects one spte. For dirty logging it may become writable again at any time, if the dirty bit is set for it; when a
 * shadowed page table is protected it must not.
 * @param pt_protect the page is a guest page table that is being shadowed
 */
export function* spte_write_protect(kvm: Kvm, sptep: number, pt_protect: boolean): Step<Protected> {
  const { bits, variant } = kvm;
  const spte = yield* read64(sptep);
  if (!is_writable_pte(spte) && !(pt_protect && variant.pt_protect_test(bits, spte))) return 'kept';
  if (variant.large_wp.drop && (yield* __drop_large_spte(kvm, sptep))) return 'dropped';
  const new_spte = spte & ~(PT_WRITABLE_MASK | (pt_protect ? bits.SPTE_MMU_WRITEABLE : 0n));
  if (variant.dirty_track.protected_dirty(spte)) kvm_set_pfn_dirty(kvm, spte_to_pfn(spte));
  return (yield* variant.spte_update.update(kvm, sptep, spte, new_spte)) ? 'flush' : 'kept';
}

/** Write-protects a chain; returns whether a flush is needed. */
export function* __rmap_write_protect(kvm: Kvm, rmapp: Cell, pt_protect: boolean): Step<boolean> {
  let flush = false;
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; ) {
    BUG_ON(
      !kvm.bits.is_shadow_present_pte(peek_spte(sptep)),
      '__rmap_write_protect: the spte is not present',
    );
    const result = yield* spte_write_protect(kvm, sptep, pt_protect);
    if (result !== 'kept') flush = true;
    sptep = result === 'dropped' ? rmap_get_first(rmapp) : rmap_get_next(rmapp, sptep);
  }
  return flush;
}

/** Write-protects all mappings of a gfn because it is a shadowed page table; the caller flushes if this returns true. */
export function* rmap_write_protect(kvm: Kvm, gfn: number): Step<boolean> {
  const slot = gfn_to_memslot_unsafe(kvm, gfn) as KvmMemorySlot;
  let write_protected = false;
  for (let i = PT_PAGE_TABLE_LEVEL; i < PT_PAGE_TABLE_LEVEL + KVM_NR_PAGE_SIZES; i++)
    if (yield* __rmap_write_protect(kvm, __gfn_to_rmap(gfn, i, slot), true)) write_protected = true;
  return write_protected;
}

/** Write-protects the small mappings of the pages whose bits are set; `gfn_offset` is the page of bit 0. The caller flushes. */
export function* kvm_mmu_write_protect_pt_masked(
  kvm: Kvm,
  slot: KvmMemorySlot,
  gfn_offset: number,
  mask: bigint,
): Step<void> {
  const set = bitsOf(mask);
  for (let k = 0; k < set.length; k++)
    yield* __rmap_write_protect(kvm, { obj: slot.rmap, slot: gfn_offset + (set[k] as number) }, false);
}

/** Write-protects everything that maps a slot, table by table; large writable mappings are dropped. */
export function* kvm_mmu_slot_remove_write_access(kvm: Kvm, slot: number): Step<void> {
  const pages = [...kvm.arch.active_mmu_pages.items()];
  for (let k = 0; k < pages.length; k++) {
    const sp = pages[k] as KvmMmuPage;
    if ((sp.slot_bitmap & (1n << BigInt(slot))) === 0n) continue;
    for (let i = 0; i < 512; i++) {
      // Nobody installs an spte without the lock, so only those that are there are worth a step.
      const spte = peek_spte(sp.spt.at(i));
      if (!kvm.bits.is_shadow_present_pte(spte) || !kvm.variant.slot_wp(spte, sp.level)) continue;
      yield* spte_write_protect(kvm, sp.spt.at(i), false);
    }
  }
  yield* kvm.variant.slot_wp_flush(kvm);
}
