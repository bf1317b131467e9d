/** The shadow pages of a guest table. Private under `mmu_lock`. */
import { BUCKETS, type HashTable } from '../structures/hash_table.js';
import { type Kvm, kvm_arch } from '../structures/kvm.js';
import { type KvmMmuPage, kvm_mmu_page, ROLE_DIRECT, ROLE_INVALID } from '../structures/mmu_page.js';

/** All that are valid, newest first; the array does not change when pages come or go. */
export function gfn_indirect_valid_sps(kvm: Kvm, gfn: number): readonly KvmMmuPage[] {
  return kvm.arch.mmu_page_hash
    .bucket(gfn)
    .filter((sp) => sp.gfn === gfn && (sp.role & (ROLE_DIRECT | ROLE_INVALID)) === 0);
}

const INDIRECT = kvm_arch.slot('indirect_shadow_pages');
const HASH = kvm_arch.slot('mmu_page_hash');
const GFN = kvm_mmu_page.slot('gfn');
const ROLE = kvm_mmu_page.slot('role');

/** Whether there are any now, for those who count: no access of the kernel's. */
export function is_shadowed({ arch }: Kvm, gfn: number): boolean {
  if (arch.$get(INDIRECT) === 0) return false;
  const hash = arch.$get(HASH) as HashTable;
  return (hash.$get(gfn % BUCKETS) as readonly KvmMmuPage[]).some(
    (sp) => sp.$get(GFN) === gfn && ((sp.$get(ROLE) as number) & (ROLE_DIRECT | ROLE_INVALID)) === 0,
  );
}
