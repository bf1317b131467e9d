/** Root tables of a vCPU (specification, section 9.1). */
import { event_step, type Step, spin_lock, spin_unlock } from '../../machine/index.js';
import { flush_tlb } from './hw/flush.js';
import { mmu_topup_memory_caches } from './memory_cache.js';
import { kvm_mmu_get_page } from './mmu_page.js';
import { ACC_ALL, type KvmMmuPage } from './structures/mmu_page.js';
import { page_header } from './structures/spt.js';
import { INVALID_PAGE, type KvmVcpu } from './structures/vcpu.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_free_some_pages, kvm_mmu_prepare_zap_page } from './zap.js';

/** Takes the one root of a direct map. */
function* mmu_alloc_direct_roots(vcpu: KvmVcpu): Step<void> {
  const { kvm } = vcpu;
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_free_some_pages(kvm);
  const sp = kvm_mmu_get_page(vcpu, 0, vcpu.arch.mmu.shadow_root_level, ACC_ALL, 0);
  sp.root_count++;
  yield* spin_unlock(kvm.mmu_lock);
  vcpu.arch.mmu.root_hpa = sp.spt.pfn * 4096;
}

/** Gives a vCPU a root, which empties its TLB. */
export function* kvm_mmu_load(vcpu: KvmVcpu): Step<void> {
  mmu_topup_memory_caches(vcpu);
  yield* mmu_alloc_direct_roots(vcpu);
  // Tables that lag behind the guest's would be brought up to date here; a direct map has none, but the lock is taken.
  yield* spin_lock(vcpu.kvm.mmu_lock);
  yield* spin_unlock(vcpu.kvm.mmu_lock);
  yield* event_step('loads the root register', vcpu);
  flush_tlb(vcpu, 'root loaded');
}

/** Lets the root go. That alone flushes nothing. */
export function* mmu_free_roots(vcpu: KvmVcpu): Step<void> {
  const { kvm } = vcpu;
  const { mmu } = vcpu.arch;
  if (mmu.root_hpa === INVALID_PAGE) return;
  yield* spin_lock(kvm.mmu_lock);
  const invalid_list: KvmMmuPage[] = [];
  const sp = page_header(mmu.root_hpa / 8);
  sp.root_count--;
  if (sp.root_count === 0 && sp.invalid) yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  mmu.root_hpa = INVALID_PAGE;
  yield* spin_unlock(kvm.mmu_lock);
}
