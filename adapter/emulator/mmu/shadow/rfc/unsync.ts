/** Unsync pages as first posted: each belongs to one root, or is global and waits in a ring. `mmu_lock` is held. */
import { type KArray, type KList, machine, type Step } from '../../../../machine/index.js';
import { KVM_MMU_SYNC_PAGE, KVM_MMU_UNSYNC_PAGE } from '../../events.js';
import type { Asker } from '../../set_spte.js';
import type { Kvm } from '../../structures/kvm.js';
import { type KvmMmuPage, ROLE_LEVEL } from '../../structures/mmu_page.js';
import { page_header } from '../../structures/spt.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { WARN_ON } from '../../warn.js';
import { kvm_mmu_lookup_page_root } from './root.js';
import { kvm_sync_page } from './sync.js';

/** Global pages that can be unsync at a time. */
export const OOS_GLOBAL_PAGES = 7;

/** Pages that wait for a flush of all of the TLB. */
export const ring = (kvm: Kvm): KArray<KvmMmuPage | null> =>
  kvm.arch.oos_global_pages as KArray<KvmMmuPage | null>;

function* set_unsync(kvm: Kvm, sp: KvmMmuPage): Step<void> {
  if (machine.wants(KVM_MMU_UNSYNC_PAGE))
    machine.emit(KVM_MMU_UNSYNC_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync]);
  sp.unsync = true;
  yield* kvm.variant.notrap_unsync(kvm, sp);
  for (const o of kvm.observers.tableChanged) o(sp);
}

/** A global page goes unsync: the one that was there seven pages ago is synced to make room. */
function* mmu_unsync_global_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  const { kvm } = vcpu;
  const idx = kvm.arch.oos_global_idx;
  const before = ring(kvm).at(idx);
  if (before !== null) yield* kvm_sync_page(vcpu, before);
  yield* set_unsync(kvm, sp);
  ring(kvm).put(idx, sp);
  kvm.arch.oos_global_idx = (idx + 1) % OOS_GLOBAL_PAGES;
  kvm.stat.mmu_unsync_global++;
  return false;
}

/** Whether more than one entry points, or has pointed, to a page or to one of those above it. */
function page_multimapped(sp: KvmMmuPage): boolean {
  for (let at = sp; !at.multimapped; at = page_header(at.parent_ptes as number))
    if (at.parent_ptes === 0) return false;
  return true;
}

/** A page goes unsync, if the root can be told that alone reaches it. Returns whether it cannot. */
function* mmu_unsync_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  if (page_multimapped(sp)) return true;
  const root_sp = kvm_mmu_lookup_page_root(vcpu, sp.root_gfn);
  if (root_sp === null) return true;
  yield* set_unsync(vcpu.kvm, sp);
  (root_sp.unsync_pages as KList<KvmMmuPage>).add(sp);
  vcpu.kvm.stat.mmu_unsync++;
  return false;
}

/**
 * Whether a table must be mapped read-only: not for a store to one of level 1 whose page can go unsync. Only the newest page of the
 * table is looked at.
 */
export function* mmu_need_write_protect(
  vcpu: KvmVcpu,
  sps: readonly KvmMmuPage[],
  { write_fault }: Asker,
): Step<boolean> {
  const [shadow] = sps as readonly [KvmMmuPage];
  const { global_multiroot } = vcpu.kvm.variant.oos_patches;
  if (!write_fault || (shadow.role & ROLE_LEVEL) !== 1) return true;
  if (shadow.root_gfn === -1 && !(global_multiroot && shadow.global)) return true;
  if (shadow.unsync) return false;
  return shadow.global ? yield* mmu_unsync_global_page(vcpu, shadow) : yield* mmu_unsync_page(vcpu, shadow);
}

function take_out_of_ring(kvm: Kvm, sp: KvmMmuPage): void {
  const pages = ring(kvm);
  let i = 0;
  while (i < pages.length && pages.at(i) !== sp) i++;
  WARN_ON(i === pages.length, 'kvm_unlink_unsync_page: the page is not in the ring');
  if (i < pages.length) pages.put(i, null);
  kvm.stat.mmu_unsync_global--;
}

/** Takes a page out of the list of its root. */
function unlink_from_root(kvm: Kvm, sp: KvmMmuPage): void {
  const roots = kvm.arch.active_mmu_pages.items();
  for (const root of roots) if (root.unsync_pages?.del(sp)) break;
  kvm.stat.mmu_unsync--;
}

/** A page is in sync again, or goes away. Where it is kept is decided by whether it is global now, and not when it went unsync. */
export function kvm_unlink_unsync_page(kvm: Kvm, sp: KvmMmuPage): void {
  if (machine.wants(KVM_MMU_SYNC_PAGE))
    machine.emit(KVM_MMU_SYNC_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync]);
  if (sp.global) take_out_of_ring(kvm, sp);
  else unlink_from_root(kvm, sp);
  sp.unsync = false;
  for (const o of kvm.observers.tableChanged) o(sp);
}
