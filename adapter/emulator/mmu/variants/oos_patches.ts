/** What single patches of the out-of-sync series bring, so that each can be left out; only `oos: rfc` asks. */
import type { SwitchTable } from '../variant.js';

/** What is there. Patches that are switches of their own are not listed: 1 to 3 (`gup`, `gfn_to_page_atomic`), 9 (`oos`), 12 (`invlpg`). */
export interface OosPatches {
  /** Patch 6: pages with only global entries are told from the others. */
  readonly global: boolean;
  /** Patch 7: a page can be brought up to date; without it, it has to be zapped. */
  readonly sync_page: boolean;
  /** Patch 8: a walk knows the frame of the guest's root, so that pages can belong to it. */
  readonly root_level: boolean;
  /** Patch 10: a load of cr3 syncs what belongs to the root. */
  readonly sync_roots: boolean;
  /** Patch 11: loads of cr0 and cr4 sync global pages. */
  readonly sync_global: boolean;
  /** Patch 13: a global page can be unsync although several roots reach it. */
  readonly global_multiroot: boolean;
}

const all: OosPatches = {
  global: true,
  sync_page: true,
  root_level: true,
  sync_roots: true,
  sync_global: true,
  global_multiroot: true,
};

export const oos_patches: SwitchTable<OosPatches> = {
  doc: 'Which patch of the out-of-sync series is missing, with `oos: rfc`. 6: nothing is known to be global. 7: pages cannot be synced, and are zapped instead. 8: no page belongs to a root. 10: a load of cr3 syncs nothing. 11: loads of cr0 and cr4 sync nothing. 13: a global page that several roots reach cannot be unsync.',
  values: {
    all,
    'without-6': { ...all, global: false },
    'without-7': { ...all, sync_page: false },
    'without-8': { ...all, root_level: false },
    'without-10': { ...all, sync_roots: false },
    'without-11': { ...all, sync_global: false },
    'without-13': { ...all, global_multiroot: false },
  },
};
