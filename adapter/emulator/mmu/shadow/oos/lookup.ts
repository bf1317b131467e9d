/** Looking a shadow page up when pages of its table may be out of sync (specification, sections 9.2 and 11.3). `mmu_lock` is held. */
import type { Step } from '../../../../machine/index.js';
import type { KvmMmuPage } from '../../structures/mmu_page.js';
import { KVM_REQ_MMU_SYNC, type KvmVcpu } from '../../structures/vcpu.js';
import { kvm_make_request } from '../../tlb.js';
import { kvm_sync_page, kvm_sync_page_transient, mmu_sync_children } from '../sync.js';
import { kvm_mmu_mark_parents_unsync } from '../unsync.js';

const of_gfn = (vcpu: KvmVcpu, gfn: number): readonly KvmMmuPage[] =>
  vcpu.kvm.arch.mmu_page_hash.bucket(gfn).filter((sp) => sp.gfn === gfn);

/** Whether a page has the role that is wanted, as far as roles count. */
const same_role = ({ kvm }: KvmVcpu, sp: KvmMmuPage, role: number): boolean =>
  ((sp.role ^ role) & kvm.variant.role_bits) === 0;

/** Takes the page as it is. */
export function* find(vcpu: KvmVcpu, gfn: number, role: number): Step<KvmMmuPage | null> {
  return of_gfn(vcpu, gfn).find((sp) => same_role(vcpu, sp, role)) ?? null;
}

/** Refreshes what the page maps; it may go on lagging behind. */
export function* find_and_refresh(vcpu: KvmVcpu, gfn: number, role: number): Step<KvmMmuPage | null> {
  const sp = of_gfn(vcpu, gfn).find((sp) => same_role(vcpu, sp, role)) ?? null;
  return sp?.unsync && (yield* kvm_sync_page_transient(vcpu, sp)) ? null : sp;
}

/** Syncs every page of the table that is met on the way, whatever its role: it is in sync from then on, or zapped. */
export function* find_and_sync(vcpu: KvmVcpu, gfn: number, role: number): Step<KvmMmuPage | null> {
  const sps = of_gfn(vcpu, gfn);
  for (let k = 0; k < sps.length; k++) {
    const sp = sps[k] as KvmMmuPage;
    if (sp.$freed !== null || (sp.unsync && !(yield* kvm_sync_page(vcpu, sp)))) continue;
    if (same_role(vcpu, sp, role)) return sp;
  }
  return null;
}

/** Whoever is above the page from now on is told, and this vCPU syncs before it enters the guest. */
export function* tell_parents(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* kvm_make_request(KVM_REQ_MMU_SYNC, vcpu);
  if (sp.unsync_children > 0 || sp.unsync) kvm_mmu_mark_parents_unsync(sp);
}

/** A sync of the roots is asked for, but nobody above is told where to look. */
export function* only_ask(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* kvm_make_request(KVM_REQ_MMU_SYNC, vcpu);
}

/** What lies below a page is synced before anybody can walk through it. */
export function* sync_below(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* mmu_sync_children(vcpu, sp, false);
}
