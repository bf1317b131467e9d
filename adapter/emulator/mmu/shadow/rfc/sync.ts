/** Bringing unsync pages up to date, as first posted (specification, section 11.3, `rfc`). `mmu_lock` is held where nothing else is said. */
import { type Step, spin_lock, spin_unlock } from '../../../../machine/index.js';
import { is_pae } from '../../guest/control_registers.js';
import type { Kvm } from '../../structures/kvm.js';
import { type KvmMmuPage, ROLE_CR4_PAE } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { kvm_flush_remote_tlbs } from '../../tlb.js';
import { rmap_write_protect } from '../../write_protect.js';
import {
  kvm_mmu_commit_zap_page,
  kvm_mmu_page_unlink_children,
  kvm_mmu_prepare_zap_page,
} from '../../zap.js';
import { sync_page } from './sync_page.js';
import { kvm_unlink_unsync_page, ring } from './unsync.js';

/** Zaps a page at once. */
export function* kvm_mmu_zap_page(kvm: Kvm, sp: KvmMmuPage): Step<void> {
  const invalid_list: KvmMmuPage[] = [];
  yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
}

/** Gives an unsync page up; one that somebody works with is only emptied. */
function* kvm_mmu_zap_unsync_page(kvm: Kvm, sp: KvmMmuPage): Step<void> {
  if (!sp.inuse) return yield* kvm_mmu_zap_page(kvm, sp);
  yield* kvm_mmu_page_unlink_children(kvm, sp);
  yield* kvm_flush_remote_tlbs(kvm);
  kvm_unlink_unsync_page(kvm, sp);
}

/** Write-protects the table of an unsync page and syncs it, or zaps it where nothing of it is left. */
export function* kvm_sync_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  const { kvm } = vcpu;
  if (((sp.role & ROLE_CR4_PAE) !== 0) !== is_pae(vcpu)) return yield* kvm_mmu_zap_unsync_page(kvm, sp);
  if (yield* rmap_write_protect(kvm, sp.gfn)) yield* kvm_flush_remote_tlbs(kvm);
  yield* kvm.variant.sync_account(kvm, sp.gfn);
  const nr_present =
    vcpu.arch.mmu.direct_map || !kvm.variant.oos_patches.sync_page ? 0 : yield* sync_page(vcpu, sp);
  if (nr_present <= 0) yield* kvm_mmu_zap_unsync_page(kvm, sp);
  else kvm_unlink_unsync_page(kvm, sp);
}

/** Zaps all pages that belong to a root which goes away. Returns how many were put on the list. */
export function* kvm_drop_unsync_children(kvm: Kvm, root_sp: KvmMmuPage, list: KvmMmuPage[]): Step<number> {
  const { unsync_pages } = root_sp;
  let zapped = 0;
  while (unsync_pages !== null && unsync_pages.length > 0)
    zapped += yield* kvm_mmu_prepare_zap_page(kvm, unsync_pages.items()[0] as KvmMmuPage, list);
  return zapped;
}

/** The guest flushes all of its TLB: syncs what waits in the ring for that. Takes `mmu_lock`. */
export function* kvm_mmu_sync_global(vcpu: KvmVcpu): Step<void> {
  const { kvm } = vcpu;
  if (!kvm.variant.oos_patches.sync_global) return;
  yield* spin_lock(kvm.mmu_lock);
  for (let i = 0; i < ring(kvm).length; i++) {
    const sp = ring(kvm).at(i);
    if (sp !== null) yield* kvm_sync_page(vcpu, sp);
  }
  yield* spin_unlock(kvm.mmu_lock);
}
