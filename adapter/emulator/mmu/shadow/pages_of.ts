/** The shadow pages of a guest table. Private under `mmu_lock`. */
import type { Kvm } from '../structures/kvm.js';
import { type KvmMmuPage, ROLE_DIRECT, ROLE_INVALID } from '../structures/mmu_page.js';

/** All that are valid, newest first; the array does not change when pages come or go. */
export function gfn_indirect_valid_sps(kvm: Kvm, gfn: number): readonly KvmMmuPage[] {
  return kvm.arch.mmu_page_hash
    .bucket(gfn)
    .filter((sp) => sp.gfn === gfn && (sp.role & (ROLE_DIRECT | ROLE_INVALID)) === 0);
}
