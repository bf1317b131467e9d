/** Installing what the guest's entries say before anybody asks (specification, sections 7.1 and 8.3). `mmu_lock` is held. */
import type { Step } from '../../../machine/index.js';
import { PT_PAGE_TABLE_LEVEL } from '../bits.js';
import { gfn_to_hva_memslot, hva_to_pfn_atomic } from '../gfn_to_pfn.js';
import {
  gpte_access,
  gpte_to_gfn,
  is_accessed_gpte,
  is_global_gpte,
  is_present_gpte,
  is_rsvd_bits_set,
} from '../guest/gpte.js';
import { guest_format } from '../guest/init_mmu.js';
import { gfn_to_memslot_unsafe, memslot_is_visible } from '../memslot.js';
import { mmu_set_spte, SPECULATIVE } from '../set_spte.js';
import { drop_spte } from '../spte.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import { ACC_WRITE_MASK, type KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';

/** Neighbours that one fault may map along. */
export const PTE_PREFETCH_NUM = 8;

/** The frame behind a guest frame, if it is at hand; otherwise -1. */
const at_hand = (vcpu: KvmVcpu, slot: KvmMemorySlot, gfn: number): Step<number> =>
  hva_to_pfn_atomic(vcpu.kvm, gfn_to_hva_memslot(slot, gfn));

/**
 * Maps what an entry of a guest table of level 1 says, if its frame is at hand.
 * @param allowed rights that it may have at most
 * @param lookup  finds its frame, or -1
 * @param no_dirty_log a writable mapping must not be made for a page that is being logged
 * @returns false when the frame is not at hand: it is of no use to go on with neighbours
 */
export function* prefetch_gpte(
  vcpu: KvmVcpu,
  sp: KvmMmuPage,
  sptep: number,
  gpte: bigint,
  no_dirty_log: boolean,
  allowed = sp.access,
  lookup = at_hand,
): Step<boolean> {
  const { kvm } = vcpu;
  const f = guest_format(vcpu);
  if (!is_present_gpte(gpte) || is_rsvd_bits_set(f, gpte, PT_PAGE_TABLE_LEVEL) || !is_accessed_gpte(gpte)) {
    yield* drop_spte(kvm, sptep, kvm.variant.update_notrap(kvm.bits, sp, is_present_gpte(gpte)));
    return true;
  }
  const gfn = gpte_to_gfn(f.type, gpte);
  const pte_access = allowed & gpte_access(f, gpte, true);
  const slot = gfn_to_memslot_unsafe(kvm, gfn);
  if (!memslot_is_visible(slot)) return false;
  if (no_dirty_log && (pte_access & ACC_WRITE_MASK) !== 0 && slot.dirty_bitmap !== null) return false;
  const pfn = yield* lookup(vcpu, slot, gfn);
  if (pfn < 0) return false;
  const m = {
    pte_access,
    level: PT_PAGE_TABLE_LEVEL,
    gfn,
    pfn,
    speculative: true,
    host_writable: true,
    global: is_global_gpte(gpte),
  };
  yield* mmu_set_spte(vcpu, sptep, m, SPECULATIVE);
  return true;
}

/** Maps what an entry says that the guest has just stored. */
export function* update_pte(vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, gpte: bigint): Step<void> {
  const { update_access, pte_write_pfn } = vcpu.kvm.variant;
  yield* prefetch_gpte(vcpu, sp, sptep, gpte, false, update_access(sp), pte_write_pfn.pfn);
}
