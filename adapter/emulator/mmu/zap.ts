/** Taking shadow pages apart (specification, section 9.3), with `mmu_lock` held where nothing else is said. */
import { machine, read64, type Step, smp_mb, spin_lock, spin_unlock } from '../../machine/index.js';
import { is_large_pte, is_last_spte, PT_PAGE_TABLE_LEVEL, spte_to_pfn } from './bits.js';
import { KVM_MMU_PREPARE_ZAP_PAGE } from './events.js';
import { drop_parent_pte, kvm_mmu_free_page, kvm_mmu_isolate_page } from './mmu_page.js';
import { rmap_get_first } from './pte_list.js';
import { unaccount_shadowed } from './shadow/account.js';
import { mmu_pages_clear_parents, mmu_unsync_walk, type UnsyncPath } from './shadow/unsync.js';
import { drop_spte, mmu_spte_clear_no_track, peek_spte } from './spte.js';
import type { Kvm } from './structures/kvm.js';
import { type KvmMmuPage, kvm_mmu_page, ROLE_INVALID } from './structures/mmu_page.js';
import { kvm_flush_remote_tlbs, kvm_reload_remote_mmus } from './tlb.js';
import { WARN_ON } from './warn.js';

/** Shadow pages that may be missing from the maximum before some are reclaimed, and how many are then free again. */
const KVM_MIN_FREE_MMU_PAGES = 5;
const KVM_REFILL_PAGES = 25;
const PARENT_PTES = kvm_mmu_page.slot('parent_ptes');

/** Removes what an entry maps or points to. Returns whether that was anything that the hardware could go through. */
export function* mmu_page_zap_pte(kvm: Kvm, sp: KvmMmuPage, sptep: number): Step<boolean> {
  const pte = yield* read64(sptep);
  if (!kvm.bits.is_shadow_present_pte(pte)) {
    // A fault of it has to exit from now on, whatever the guest's entry was before.
    if (pte !== kvm.bits.shadow_trap_nonpresent_pte) yield* mmu_spte_clear_no_track(kvm.bits, sptep);
    return false;
  }
  if (is_last_spte(pte, sp.level)) {
    yield* drop_spte(kvm, sptep);
    if (is_large_pte(pte) && sp.level > 1) kvm.stat.lpages--;
  } else {
    const child = machine.phys.frame(spte_to_pfn(pte))?.owner as unknown as KvmMmuPage;
    yield* drop_parent_pte(child, sptep);
  }
  return true;
}

/** Empties a page. */
export function* kvm_mmu_page_unlink_children(kvm: Kvm, sp: KvmMmuPage): Step<void> {
  for (let i = 0; i < 512; i++) {
    // An empty entry stays so while the lock is held: looking at it is no step.
    if (!kvm.bits.is_empty_spte(peek_spte(sp.spt.at(i)))) yield* mmu_page_zap_pte(kvm, sp, sp.spt.at(i));
  }
}

function* kvm_mmu_unlink_parents(sp: KvmMmuPage): Step<void> {
  const parents = { obj: sp, slot: PARENT_PTES };
  for (let sptep = rmap_get_first(parents); sptep !== 0; sptep = rmap_get_first(parents))
    yield* drop_parent_pte(sp, sptep);
}

/** Zaps all unsync pages below a page: nobody would find them any more. Returns how many were put on the list. */
export function* mmu_zap_unsync_children(kvm: Kvm, parent: KvmMmuPage, list: KvmMmuPage[]): Step<number> {
  if (parent.level === PT_PAGE_TABLE_LEVEL) return 0;
  let zapped = 0;
  for (
    let paths = yield* mmu_unsync_walk(kvm, parent);
    paths.length > 0;
    paths = yield* mmu_unsync_walk(kvm, parent)
  )
    for (let k = 0; k < paths.length; k++) {
      const path = paths[k] as UnsyncPath;
      // A page that is linked at two places is found twice.
      if (path.sp.invalid) continue;
      zapped += yield* kvm_mmu_prepare_zap_page(kvm, path.sp, list);
      mmu_pages_clear_parents(path);
    }
  return zapped;
}

/**
 * Empties and unlinks a page, and puts it on `list` for `kvm_mmu_commit_zap_page`. Nothing is flushed yet. A page that is a
 * live root stays where it is, and all vCPUs are asked to drop their roots. Returns the number of pages put on the list.
 */
export function* kvm_mmu_prepare_zap_page(kvm: Kvm, sp: KvmMmuPage, list: KvmMmuPage[]): Step<number> {
  if (machine.wants(KVM_MMU_PREPARE_ZAP_PAGE))
    machine.emit(KVM_MMU_PREPARE_ZAP_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync]);
  kvm.stat.mmu_shadow_zapped++;
  kvm.variant.flooding.zapped(kvm);
  for (const o of kvm.observers.pageZapped) o(sp);
  const children = yield* kvm.variant.oos.zap_children(kvm, sp, list);
  yield* kvm_mmu_page_unlink_children(kvm, sp);
  yield* kvm_mmu_unlink_parents(sp);
  if (!sp.invalid && !sp.direct) yield* unaccount_shadowed(kvm, sp.gfn);
  if (sp.unsync) kvm.variant.oos.unlink(kvm, sp);
  kvm.arch.active_mmu_pages.del(sp);
  const rooted = sp.root_count > 0;
  if (rooted) kvm.arch.active_mmu_pages.add(sp);
  else {
    list.push(sp);
    kvm.variant.zap_count.prepared(kvm);
  }
  if (rooted) yield* kvm_reload_remote_mmus(kvm);
  sp.role |= ROLE_INVALID;
  if (!sp.direct) for (const o of kvm.observers.tableChanged) o(sp);
  return children + (rooted ? 0 : 1);
}

/** Flushes, which also waits for walks that take no lock, and then frees the pages of a list. */
export function* kvm_mmu_commit_zap_page(kvm: Kvm, list: KvmMmuPage[]): Step<void> {
  if (list.length === 0) return;
  yield* smp_mb();
  yield* kvm_flush_remote_tlbs(kvm);
  for (const sp of list) {
    WARN_ON(!sp.invalid || sp.root_count > 0, 'kvm_mmu_commit_zap_page: the page is in use');
    kvm.variant.zap_count.committed(kvm);
    kvm_mmu_isolate_page(kvm, sp);
  }
  if (yield* kvm.variant.walk_guard.walked(kvm)) for (const sp of list) kvm.arch.rcu_pages.add_tail(sp);
  else for (const sp of list) kvm_mmu_free_page(sp);
}

/** Drops all shadow pages. Takes `mmu_lock`. */
export function* kvm_mmu_zap_all(kvm: Kvm): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm.variant.zap_restart(kvm);
  yield* spin_unlock(kvm.mmu_lock);
}

/** Drops all shadow pages and makes every vCPU build a new root. */
export function* kvm_arch_flush_shadow(kvm: Kvm): Step<void> {
  yield* kvm_mmu_zap_all(kvm);
  yield* kvm_reload_remote_mmus(kvm);
}

/** Makes room when too few pages are left: the oldest go first. */
export function* kvm_mmu_free_some_pages(kvm: Kvm): Step<void> {
  const { arch } = kvm;
  if (arch.n_max_mmu_pages - arch.n_used_mmu_pages >= KVM_MIN_FREE_MMU_PAGES) return;
  const invalid_list: KvmMmuPage[] = [];
  while (
    arch.n_max_mmu_pages - arch.n_used_mmu_pages < KVM_REFILL_PAGES &&
    arch.active_mmu_pages.length > 0
  ) {
    const pages = arch.active_mmu_pages.items();
    yield* kvm_mmu_prepare_zap_page(kvm, pages[pages.length - 1] as KvmMmuPage, invalid_list);
    kvm.stat.mmu_recycled++;
  }
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
}
