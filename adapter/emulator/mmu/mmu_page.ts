/** Shadow pages: finding, creating, freeing (specification, section 9). All with `mmu_lock` held. */
import { type Cell, machine, type Step } from '../../machine/index.js';
import { PT_PRESENT_MASK, PT_WRITABLE_MASK } from './bits.js';
import { KVM_MMU_GET_PAGE } from './events.js';
import { mmu_memory_cache_alloc } from './memory_cache.js';
import { pte_list_add, pte_list_remove } from './pte_list.js';
import { mmu_spte_clear_no_track, mmu_spte_set } from './spte.js';
import type { Kvm } from './structures/kvm.js';
import { type KvmMmuPage, kvm_mmu_page, ROLE_ACCESS_SHIFT, ROLE_DIRECT } from './structures/mmu_page.js';
import { Spt } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';

const PARENT_PTES = kvm_mmu_page.slot('parent_ptes');
const parents = (sp: KvmMmuPage): Cell => ({ obj: sp, slot: PARENT_PTES });

/** Counts shadow pages of a virtual machine, and of all. */
export function kvm_mod_used_mmu_pages(kvm: Kvm, n: number): void {
  kvm.arch.n_used_mmu_pages += n;
  kvm.main.kvm_total_used_mmu_pages += n;
}

function mmu_page_add_parent_pte(vcpu: KvmVcpu, sp: KvmMmuPage, parent_pte: number): void {
  if (parent_pte !== 0) pte_list_add(vcpu, parent_pte, parents(sp));
}

/** Unlinks a table from one entry that points to it, on both sides. */
export function* drop_parent_pte(sp: KvmMmuPage, parent_pte: number): Step<void> {
  pte_list_remove(parent_pte, parents(sp));
  yield* mmu_spte_clear_no_track(parent_pte);
}

/** Takes the memory of a new page out of the caches. */
function kvm_mmu_alloc_page(vcpu: KvmVcpu, gfn: number, role: number): KvmMmuPage {
  const { kvm } = vcpu;
  mmu_memory_cache_alloc(vcpu.arch.mmu_page_header_cache);
  mmu_memory_cache_alloc(vcpu.arch.mmu_page_cache);
  const sp = machine.alloc(new kvm_mmu_page({ gfn, role }));
  const frame = machine.phys.alloc(sp);
  frame.dense();
  sp.spt = new Spt(frame.pfn, kvm.bits);
  kvm.arch.active_mmu_pages.add(sp);
  kvm_mod_used_mmu_pages(kvm, 1);
  return sp;
}

/** Takes an unlinked page out of the hash. */
export function kvm_mmu_isolate_page(kvm: Kvm, sp: KvmMmuPage): void {
  kvm.arch.mmu_page_hash.del(sp);
}

/** Gives the memory of a page back. */
export function kvm_mmu_free_page(sp: KvmMmuPage): void {
  machine.phys.free(sp.spt.pfn);
  machine.free(sp);
}

/**
 * The direct page of a gfn and level, found or created and not yet linked: `parent_pte` is noted as its parent, and the caller
 * writes the link next.
 * @param parent_pte the entry that will point to it; 0 for a root
 */
export function kvm_mmu_get_page(
  vcpu: KvmVcpu,
  gfn: number,
  level: number,
  access: number,
  parent_pte: number,
): KvmMmuPage {
  const { kvm } = vcpu;
  const role = level | ROLE_DIRECT | (access << ROLE_ACCESS_SHIFT);
  for (const sp of kvm.arch.mmu_page_hash.bucket(gfn)) {
    if (sp.gfn !== gfn || sp.role !== role) continue;
    mmu_page_add_parent_pte(vcpu, sp, parent_pte);
    trace_kvm_mmu_get_page(sp, false);
    return sp;
  }
  kvm.stat.mmu_cache_miss++;
  const sp = kvm_mmu_alloc_page(vcpu, gfn, role);
  mmu_page_add_parent_pte(vcpu, sp, parent_pte);
  kvm.arch.mmu_page_hash.add(sp);
  trace_kvm_mmu_get_page(sp, true);
  return sp;
}

/** Makes an entry point to a table, with full rights: what may be done is decided by the leaves. */
export function* link_shadow_page(kvm: Kvm, sptep: number, sp: KvmMmuPage): Step<void> {
  const { bits } = kvm;
  const rights =
    PT_PRESENT_MASK |
    PT_WRITABLE_MASK |
    bits.shadow_user_mask |
    bits.shadow_x_mask |
    bits.shadow_accessed_mask;
  yield* mmu_spte_set(kvm, sptep, (BigInt(sp.spt.pfn) << 12n) | rights);
}

function trace_kvm_mmu_get_page(sp: KvmMmuPage, created: boolean): void {
  if (machine.wants(KVM_MMU_GET_PAGE))
    machine.emit(KVM_MMU_GET_PAGE, [sp.gfn, sp.role, sp.root_count, false, created]);
}
