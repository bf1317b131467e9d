/** INVLPG of a guest whose tables are shadowed (specification, section 7.3). */
import { read64, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { is_last_spte, PT_PAGE_TABLE_LEVEL, spte_to_pfn } from '../bits.js';
import { guest_format } from '../guest/init_mmu.js';
import { shadow_entry, shadow_walk_init } from '../lockless_walk.js';
import { mmu_topup_memory_caches } from '../memory_cache.js';
import { page_header } from '../structures/spt.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_mmu_flush_tlb } from '../tlb.js';
import { WARN_ON } from '../warn.js';

/** Guest physical address of the entry behind an spte. */
function gpte_of(vcpu: KvmVcpu, sptep: number): number {
  const { type } = guest_format(vcpu);
  return vcpu.kvm.variant.invlpg_quadrant(type, page_header(sptep)) + (sptep % 512) * type.bytes;
}

/**
 * Walks the shadow tables of an address down to its leaf. In the base, pages that are in sync are left alone: write protection
 * keeps them right.
 */
function* paging_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  const { kvm } = vcpu;
  const { unsync_only, leaf, unlocked } = kvm.variant.invlpg;
  let pte_gpa = -1;
  vcpu.arch.mmio_gva = 0;
  mmu_topup_memory_caches(vcpu);
  yield* spin_lock(kvm.mmu_lock);
  let { table, level } = shadow_walk_init(vcpu, gva);
  for (; level > 0; level--) {
    const sptep = shadow_entry(table, gva, level);
    const sp = page_header(sptep);
    const spte = yield* read64(sptep);
    if (level === PT_PAGE_TABLE_LEVEL || kvm.variant.walk_large(kvm, spte)) {
      if (is_last_spte(spte, level) && (sp.unsync || !unsync_only)) {
        // What maps a large page of the guest has no entry of a table of level 1 behind it.
        if (level === PT_PAGE_TABLE_LEVEL && !sp.direct) pte_gpa = gpte_of(vcpu, sptep);
        yield* leaf(vcpu, sptep, pte_gpa);
      }
      break;
    }
    if (!kvm.bits.is_shadow_present_pte(spte) || (unsync_only && sp.unsync_children === 0)) break;
    table = spte_to_pfn(spte) * 4096;
  }
  yield* spin_unlock(kvm.mmu_lock);
  if (unlocked !== null) yield* unlocked(vcpu, pte_gpa);
}

/** The guest drops one translation from its TLB. */
export function* kvm_mmu_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  const { flush, warns_unpaged } = vcpu.kvm.variant.invlpg;
  if (!vcpu.arch.mmu.direct_map) yield* paging_invlpg(vcpu, gva);
  else WARN_ON(warns_unpaged, 'nonpaging_invlpg: the guest has no paging');
  if (flush) yield* kvm_mmu_flush_tlb(vcpu);
  vcpu.stat.invlpg++;
}
