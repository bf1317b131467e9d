/** Shadow pages that are out of sync: when they may be, and what is done when a lookup finds one (specification, section 11.3). */
import type { KArray, KList, Step } from '../../../machine/index.js';
import type { Mapping } from '../set_spte.js';
import {
  created,
  global_pages,
  installing,
  kvm_mmu_sync_global,
  unlink,
  unsync_single_or_global,
} from '../shadow/oos/global_list.js';
import {
  find,
  find_and_refresh,
  find_and_sync,
  only_ask,
  sync_below,
  tell_parents,
} from '../shadow/oos/lookup.js';
import { always, type NeedWriteProtect, unsync_all, unsync_single } from '../shadow/oos/write_protect.js';
import { rfc } from '../shadow/rfc/index.js';
import { mmu_sync_children } from '../shadow/sync.js';
import { kvm_unlink_unsync_page } from '../shadow/unsync.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';
import { mmu_zap_unsync_children } from '../zap.js';

/** How shadow pages get out of sync, and back. */
export interface OutOfSync {
  /** Whether a table must be mapped read-only; where it need not be, its pages are unsync from then on. */
  readonly need_write_protect: NeedWriteProtect;
  /** Finds the page of a gfn and role; null where there is none that can be used. */
  lookup(vcpu: KvmVcpu, gfn: number, role: number, root_gfn: number): Step<KvmMmuPage | null>;
  /** Sets a new page up, before it is in the hash; null where there is nothing to set. */
  readonly created: ((vcpu: KvmVcpu, sp: KvmMmuPage, root_gfn: number) => void) | null;
  /** When it has another parent, which does not point to it yet. */
  adopted(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  /** When it is about to be linked. */
  linking(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  /** The lowest level of tables that are given up when they are stored to too often. */
  readonly flooding_level: number;
  /** Before and after an entry of a page is installed; null where nobody cares. */
  readonly installing: ((vcpu: KvmVcpu, sp: KvmMmuPage, m: Mapping) => Step<void>) | null;
  readonly installed: ((sp: KvmMmuPage) => void) | null;
  /** Syncs what a root reaches; the lock may be dropped in between if `can_yield`. */
  sync_root(vcpu: KvmVcpu, root: KvmMmuPage, can_yield: boolean): Step<void>;
  /** Syncs what is only flushed with all of the TLB. Takes the lock. Null where all is synced by `sync_root`. */
  readonly sync_global: ((vcpu: KvmVcpu) => Step<void>) | null;
  /** Zaps pages that nobody would find any more without this one. Returns how many were put on the list. */
  zap_children(kvm: Kvm, sp: KvmMmuPage, list: KvmMmuPage[]): Step<number>;
  /** A page is in sync again, or goes away. */
  unlink(kvm: Kvm, sp: KvmMmuPage): void;
  /** What `oos_global_pages` is at first; null where there is none. */
  readonly global_pages: (() => KArray<KvmMmuPage | null> | KList<KvmMmuPage>) | null;
  /** Pages above those that are unsync are marked. */
  readonly marks_parents: boolean;
  /** `mmu_unsync` leaves out what `mmu_unsync_global` counts. */
  readonly counts_global_apart: boolean;
}

function* nothing(): Step<void> {}

const multi: OutOfSync = {
  created: null,
  installing: null,
  installed: null,
  sync_root: mmu_sync_children,
  sync_global: null,
  zap_children: mmu_zap_unsync_children,
  unlink: kvm_unlink_unsync_page,
  global_pages: null,
  marks_parents: true,
  counts_global_apart: false,
  need_write_protect: unsync_all,
  lookup: find_and_refresh,
  adopted: tell_parents,
  linking: nothing,
  flooding_level: 2,
};

const merged: OutOfSync = {
  ...multi,
  need_write_protect: unsync_single,
  lookup: find_and_sync,
  adopted: tell_parents,
  linking: nothing,
  flooding_level: 1,
};

export const oos: SwitchTable<OutOfSync> = {
  doc: 'Which shadow pages may be out of sync with the guest table, and what is done when one is looked up, or one above them. `multi`: all pages of a table of level 1; one that is looked up is refreshed, its new parent is told, and the vCPU syncs before it enters the guest. `link-synced`: besides, what lies below it is synced before it is linked. `none`: none; every store to a table is emulated. `tree-naive`, as the reviewer of the first patches proposed: the page of a table that has just one; nothing is done when it is looked up, since the next load of cr3 will find it. `core-1`, as merged first: it is synced when it is looked up; of pages below it only the vCPU is told, and not the new parent. `merged`, as released in 2.6.28: the new parent is told as well. `rfc`, as first posted: a page belongs to one root, which keeps a list of those that are unsync; one that another root reaches, or another role, is synced and never unsync again; pages with only global entries are kept in a ring, and synced when cr0 or cr4 is loaded. `global-list` (2.6.29): `merged`, but pages with only global entries are kept on a list, and synced when cr0 or cr4 is loaded.',
  values: {
    multi,
    'link-synced': { ...multi, linking: sync_below },
    none: { ...multi, need_write_protect: always, lookup: find, adopted: nothing, flooding_level: 1 },
    'tree-naive': { ...merged, lookup: find, adopted: nothing },
    'core-1': { ...merged, adopted: only_ask },
    merged,
    rfc,
    'global-list': {
      ...merged,
      need_write_protect: unsync_single_or_global,
      created,
      installing,
      unlink,
      sync_global: kvm_mmu_sync_global,
      global_pages,
    },
  },
};
