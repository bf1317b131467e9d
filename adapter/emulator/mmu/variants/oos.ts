/** Shadow pages that are out of sync: what is done when a lookup finds one, or one above them (specification, section 11.3). */
import type { Step } from '../../../machine/index.js';
import { kvm_sync_page, kvm_sync_page_transient, mmu_sync_children } from '../shadow/sync.js';
import { kvm_mmu_mark_parents_unsync } from '../shadow/unsync.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { KVM_REQ_MMU_SYNC, type KvmVcpu } from '../structures/vcpu.js';
import { kvm_make_request } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

/** What happens to a page that `kvm_mmu_get_page` has found. */
export interface OutOfSync {
  /** Before it gets another parent. Returns whether it was zapped instead. */
  found(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean>;
  /** When it has that parent, which does not point to it yet. */
  adopted(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  /** When it is about to be linked. */
  linking(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
}

function* nothing(): Step<void> {}
function* kept(): Step<boolean> {
  return false;
}

/** Base: what it maps is refreshed; it may go on lagging behind. */
function* refresh(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  return sp.unsync && (yield* kvm_sync_page_transient(vcpu, sp));
}
/** Whoever is above it from now on is told, and this vCPU syncs before it enters the guest. */
function* tell_parents(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* kvm_make_request(KVM_REQ_MMU_SYNC, vcpu);
  if (sp.unsync_children > 0 || sp.unsync) kvm_mmu_mark_parents_unsync(sp);
}
/** What lies below it is synced before anybody can walk through it. */
function* sync_below(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* mmu_sync_children(vcpu, sp, false);
}

/** The first version that was merged: it is in sync from now on. */
function* sync_found(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  return sp.unsync && !(yield* kvm_sync_page(vcpu, sp));
}
/** A sync of the roots is asked for, but nobody above is told where to look. */
function* only_ask(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (sp.unsync_children > 0) yield* kvm_make_request(KVM_REQ_MMU_SYNC, vcpu);
}

export const oos: SwitchTable<OutOfSync> = {
  doc: 'What is done when a shadow page is looked up that is out of sync, or has such pages below it. `multi`: it is refreshed, its new parent is told, and the vCPU syncs before it enters the guest. `link-synced`: besides, what lies below it is synced before it is linked. `tree-naive`: nothing, since the next load of cr3 will find it. `core-1`: it is synced; of pages below it only the vCPU is told, and not the new parent.',
  values: {
    multi: { found: refresh, adopted: tell_parents, linking: nothing },
    'link-synced': { found: refresh, adopted: tell_parents, linking: sync_below },
    'tree-naive': { found: kept, adopted: nothing, linking: nothing },
    'core-1': { found: sync_found, adopted: only_ask, linking: nothing },
  },
};
