/** Memory that is taken before `mmu_lock`, because none can be had under it. */
import { BUG_ON } from '../../machine/index.js';
import type { KvmMmuMemoryCache, KvmVcpu } from './structures/vcpu.js';

/** Objects that a full cache holds. */
const KVM_NR_MEM_OBJS = 40;

function mmu_topup_memory_cache(cache: KvmMmuMemoryCache, min: number): void {
  if (cache.nobjs < min) cache.nobjs = KVM_NR_MEM_OBJS;
}

/** Fills the caches of a vCPU far enough for one fault. */
export function mmu_topup_memory_caches(vcpu: KvmVcpu): void {
  mmu_topup_memory_cache(vcpu.arch.mmu_pte_list_desc_cache, 16);
  mmu_topup_memory_cache(vcpu.arch.mmu_page_cache, 8);
  mmu_topup_memory_cache(vcpu.arch.mmu_page_header_cache, 4);
}

/** Takes an object out of a cache. An empty one is a BUG. */
export function mmu_memory_cache_alloc(cache: KvmMmuMemoryCache): void {
  BUG_ON(cache.nobjs === 0, 'mmu_memory_cache_alloc: the cache is empty');
  cache.nobjs--;
}
