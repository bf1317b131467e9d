/** The kernels of 2008: before tables could be out of sync, and the versions of that (specification, section 11.2). */
import type { Profile } from '../subsystem.js';

/** What Linux 2.6.27 does otherwise than the base. */
const wp_2008: Readonly<Record<string, string>> = {
  oos: 'none',
  fpf: 'off',
  volatile_rule: 'ad-only',
  spte_update: 'stale-entry',
  pt_protect_test: 'w-only',
  bypass_guest_pf: 'on',
  slots_lock: 'rwsem',
  dirtylog: 'copy-protect-clear',
  dirty_set: 'test-then-set',
  ipi: 'dedupe',
  notifier_flush: 'after-unlock',
  hostw_bit: 'none',
  slot_wp: 'all-entries',
  enable_log: 'keep-large',
  dirty_track: 'w-at-protect',
  age_without_a: 'old',
  role_bits: '2008',
  direct_key: 'parent-access',
  direct_validate: 'no',
  clear_spte: 'plain',
  gpte_check: 'looked-up',
  sync_write: 'trust-unsync',
  invlpg: 'untrapped',
  invlpg_quadrant: 'ignored',
  pte_prefetch: 'off',
  flooding: 'per-vcpu',
  pte_write_pfn: 'guessed',
  pv_flush_sync: 'no',
  shrink: 'scan-all',
  shrink_slots: 'trylock',
  gup: 'locked',
  prefetch_map: 'pieces',
  wrprotected_large: 'read-only',
};

/** The patches of the series that others do not depend on: merged, or taken over by whoever tried something else. */
const first_patches: Profile['switches'] = {
  gup: 'fast',
  prefetch_map: 'page',
  wrprotected_large: 'retried',
};

/** What was merged for 2.6.28. */
const oos_2_6_28: Profile['switches'] = {
  ...wp_2008,
  gup: 'fast',
  wrprotected_large: 'dropped',
  oos: 'merged',
  invlpg: 'nuke',
  pv_flush_sync: 'yes',
  sync_clear: 'before',
  notrap_unsync: 'convert',
  put_on_fail: 'yes',
};

export const profiles2008: readonly Profile[] = [
  {
    name: 'wp-2008',
    doc: 'Linux 2.6.27: every page table of the guest that is shadowed is write-protected, and a store to it is emulated, or is the third in a row and drops the shadow. Faults of absent entries go straight to the guest.',
    switches: wp_2008,
  },
  {
    name: 'oos-rfc',
    doc: 'The out-of-sync series as it was posted in September 2008, on top of Linux 2.6.27, and with `bypass_guest_pf` off, without which guests hang in it (D-08).',
    switches: {
      ...wp_2008,
      ...first_patches,
      oos: 'rfc',
      bypass_guest_pf: 'off',
      notrap_unsync: 'keep',
      invlpg: 'rfc-nuke',
      sync_clear: 'after',
      sync_drop_flush: 'none',
      sync_account: 'yes',
      put_on_fail: 'no',
    },
  },
  {
    name: 'oos-tree',
    doc: 'What the reviewer of that series proposed instead, as it was first tried: marks on the pages above, and nothing else.',
    switches: { ...wp_2008, ...first_patches, oos: 'tree-naive', invlpg: 'nuke', put_on_fail: 'no' },
  },
  {
    name: 'oos-2.6.28',
    doc: 'Linux 2.6.28: the series as it was merged.',
    switches: oos_2_6_28,
  },
  {
    name: 'oos-2.6.29',
    doc: 'Linux 2.6.29: pages with only global entries wait on a list, and INVLPG installs the new entry.',
    switches: { ...oos_2_6_28, oos: 'global-list', invlpg: 'prefill-unlocked' },
  },
];
