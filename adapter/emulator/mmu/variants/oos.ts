/** Shadow pages that are out of sync: when they may be, and what is done when a lookup finds one (specification, section 11.3). */
import type { Step } from '../../../machine/index.js';
import {
  find,
  find_and_refresh,
  find_and_sync,
  only_ask,
  sync_below,
  tell_parents,
} from '../shadow/oos/lookup.js';
import { always, type NeedWriteProtect, unsync_all, unsync_single } from '../shadow/oos/write_protect.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** How shadow pages get out of sync, and back. */
export interface OutOfSync {
  /** Whether a table must be mapped read-only; where it need not be, its pages are unsync from then on. */
  readonly need_write_protect: NeedWriteProtect;
  /** Finds the page of a gfn and role; null where there is none that can be used. */
  lookup(vcpu: KvmVcpu, gfn: number, role: number): Step<KvmMmuPage | null>;
  /** When it has another parent, which does not point to it yet. */
  adopted(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  /** When it is about to be linked. */
  linking(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  /** The lowest level of tables that are given up when they are stored to too often. */
  readonly flooding_level: number;
}

function* nothing(): Step<void> {}

const multi: OutOfSync = {
  need_write_protect: unsync_all,
  lookup: find_and_refresh,
  adopted: tell_parents,
  linking: nothing,
  flooding_level: 2,
};

const merged: OutOfSync = {
  need_write_protect: unsync_single,
  lookup: find_and_sync,
  adopted: tell_parents,
  linking: nothing,
  flooding_level: 1,
};

export const oos: SwitchTable<OutOfSync> = {
  doc: 'Which shadow pages may be out of sync with the guest table, and what is done when one is looked up, or one above them. `multi`: all pages of a table of level 1; one that is looked up is refreshed, its new parent is told, and the vCPU syncs before it enters the guest. `link-synced`: besides, what lies below it is synced before it is linked. `none`: none; every store to a table is emulated. `tree-naive`, as the reviewer of the first patches proposed: the page of a table that has just one; nothing is done when it is looked up, since the next load of cr3 will find it. `core-1`, as merged first: it is synced when it is looked up; of pages below it only the vCPU is told, and not the new parent. `merged`, as released in 2.6.28: the new parent is told as well.',
  values: {
    multi,
    'link-synced': { ...multi, linking: sync_below },
    none: { ...multi, need_write_protect: always, lookup: find, adopted: nothing, flooding_level: 1 },
    'tree-naive': { ...merged, lookup: find, adopted: nothing },
    'core-1': { ...merged, adopted: only_ask },
    merged,
  },
};
