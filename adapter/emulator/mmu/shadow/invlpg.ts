/** INVLPG of a guest whose tables are shadowed (specification, section 7.3). */
import { read64, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { is_large_pte, is_last_spte, PT_PAGE_TABLE_LEVEL, spte_to_pfn } from '../bits.js';
import { guest_format } from '../guest/init_mmu.js';
import { kvm_read_guest_atomic } from '../guest/memory.js';
import { shadow_entry, shadow_walk_init } from '../lockless_walk.js';
import { mmu_topup_memory_caches } from '../memory_cache.js';
import { page_header } from '../structures/spt.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs, kvm_mmu_flush_tlb } from '../tlb.js';
import { mmu_page_zap_pte } from '../zap.js';
import { first_gpte_gpa } from './first_gpte.js';
import { prefetch_gpte } from './prefetch.js';

/** Replaces what an unsync page maps at an address by what the guest's entry says now. */
function* invlpg_entry(vcpu: KvmVcpu, sptep: number): Step<void> {
  const { kvm } = vcpu;
  const sp = page_header(sptep);
  const { type } = guest_format(vcpu);
  const pte_gpa = first_gpte_gpa(type, sp) + (sptep % 512) * type.bytes;
  if (yield* mmu_page_zap_pte(kvm, sp, sptep)) yield* kvm_flush_remote_tlbs(kvm);
  if (vcpu.arch.mmu_pte_list_desc_cache.nobjs === 0) return;
  const gpte = yield* kvm_read_guest_atomic(kvm, pte_gpa, type.bytes);
  if (gpte !== undefined) yield* prefetch_gpte(vcpu, sp, sptep, gpte, false);
}

/** Walks the shadow tables of an address. Pages that are in sync are left alone: write protection keeps them right. */
function* paging_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  const { kvm } = vcpu;
  vcpu.arch.mmio_gva = 0;
  mmu_topup_memory_caches(vcpu);
  yield* spin_lock(kvm.mmu_lock);
  let { table, level } = shadow_walk_init(vcpu, gva);
  for (; level > 0; level--) {
    const sptep = shadow_entry(table, gva, level);
    const sp = page_header(sptep);
    const spte = yield* read64(sptep);
    if (level === PT_PAGE_TABLE_LEVEL || is_large_pte(spte)) {
      if (is_last_spte(spte, level) && sp.unsync) yield* invlpg_entry(vcpu, sptep);
      break;
    }
    if (!kvm.bits.is_shadow_present_pte(spte) || sp.unsync_children === 0) break;
    table = spte_to_pfn(spte) * 4096;
  }
  yield* spin_unlock(kvm.mmu_lock);
}

/** The guest drops one translation from its TLB. */
export function* kvm_mmu_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  if (!vcpu.arch.mmu.direct_map) yield* paging_invlpg(vcpu, gva);
  yield* kvm_mmu_flush_tlb(vcpu);
  vcpu.stat.invlpg++;
}
