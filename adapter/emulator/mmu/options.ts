/** What can be written in `use mmu { ... }`. */
import type { Option, Profile, Switch } from '../subsystem.js';
import { GUEST_PAGING, PAGING } from './guest/control_registers.js';
import { profiles2008 } from './profiles_2008.js';
import { switchTables } from './variant.js';

const M = 2 ** 20;

export const options: readonly Option[] = [
  {
    name: 'paging',
    doc: 'How guest addresses are translated. `tdp` is two-dimensional paging, where the hardware walks tables of KVM for guest physical addresses. In the others KVM shadows: the vCPUs start without paging, or with page tables of 32 bits, of PAE or of 64 bits, and can change that through their control registers.',
    type: { kind: 'choice', of: PAGING },
    default: 'tdp',
  },
  {
    name: 'guest_paging',
    doc: 'With `paging: tdp`: whether the guest has page tables of its own, which the hardware then walks in guest physical memory, and how its vCPUs start. With `off` it has none, and its addresses are guest physical ones; with the others its vCPUs start without paging, or with tables of 32 bits, of PAE or of 64 bits, and can change that through their control registers.',
    type: { kind: 'choice', of: GUEST_PAGING },
    default: 'off',
  },
  {
    name: 'vcpus',
    doc: 'Number of virtual CPUs. vCPU n starts on CPU n.',
    type: { kind: 'int' },
    default: 1,
  },
  {
    name: 'vms',
    doc: 'Number of virtual machines, each in a process of its own. `vm` is the first of them; `vms` are all.',
    type: { kind: 'int' },
    default: 1,
  },
  {
    name: 'cpus',
    doc: 'Number of physical CPUs that can run guests; 0 for as many as vCPUs, and at least 4.',
    type: { kind: 'int' },
    default: 0,
  },
  {
    name: 'memory',
    doc: 'Memory that the process which runs the guest can map. Nothing is mapped until `vm.memslot` does it.',
    type: { kind: 'size' },
    default: 64 * M,
  },
  {
    name: 'format',
    doc: 'Format of the tables of `paging: tdp`: that of Intel (`ept`) or of AMD (`npt`).',
    type: { kind: 'choice', of: ['ept', 'npt'] },
    default: 'ept',
  },
  {
    name: 'eptad',
    doc: 'Whether EPT has accessed and dirty bits. `auto`: it has, unless `hostw_bit` is 9, which is the dirty bit.',
    type: { kind: 'choice', of: ['auto', 'on', 'off'] },
    default: 'auto',
  },
  {
    name: 'guest_tables',
    doc: 'Guest physical address from which on `vm.new_table` and `vm.map` take pages for guest page tables, one after the other.',
    type: { kind: 'size' },
    default: 2 ** 16,
  },
  {
    name: 'mmu_pages',
    doc: 'Shadow pages that there may be (`n_max_mmu_pages`); the oldest are reclaimed beyond that.',
    type: { kind: 'int' },
    default: 2 ** 20,
  },
];

/** All switches; the first value of each is the base's. */
export const switches: readonly Switch[] = Object.entries(switchTables).map(([name, table]) => {
  const values = Object.keys(table.values);
  const base = table.base ?? (values[0] as string);
  return { name, doc: table.doc, values: [base, ...values.filter((v) => v !== base)] };
});

const lazy_3_15 = {
  spte_update: 'lockless-bit',
  large_wp: 'lazy-checked',
  ro_large: 'dropped',
  dirtylog: 'xchg-unlocked-flush',
  shrink: 'fixed',
};

/** The last three are in kernels since 3.9 and 4.14. */
const v5_15 = {
  ...lazy_3_15,
  oos: 'link-synced',
  sync_drop_flush: 'remote',
  pt_access: 'per-level',
  pte_write_value: 'reread',
  gfn_mismatch: 'warn',
  root_check: 'checked',
  wp0_write: 'walk',
  clean_gpte: 'once',
  ad_flush: 'yes',
};

export const profiles: readonly Profile[] = [
  {
    name: 'fpf',
    doc: 'Linux 3.6 at the merge of the fast page fault. All other profiles are described by what they change.',
    switches: {},
  },
  {
    name: 'pre-fpf',
    doc: 'Linux 3.5: every store fault takes mmu_lock.',
    switches: {
      fpf: 'off',
      volatile_rule: 'ad-only',
      spte_update: 'stale-entry',
      pt_protect_test: 'w-only',
      hostw_bit: '9',
      age_bit: 'fixed5',
      direct_new_cr3: 'noop',
      shrink: 'scan-all',
    },
  },
  {
    name: 'fpf-naive',
    doc: 'A kernel that never was: the fast page fault without the work that makes it safe.',
    switches: { volatile_rule: 'ad-only', spte_update: 'stale-entry', pt_protect_test: 'w-only' },
  },
  {
    name: 'lazy-3.15',
    doc: 'Linux 3.15: the flush of a harvest comes after `mmu_lock` is released, and write protection keeps large mappings, read-only.',
    switches: lazy_3_15,
  },
  {
    name: 'acctrack-4.12',
    doc: 'Linux 4.12: EPT without accessed bits is aged by making entries unreadable (option `eptad: off`), and the fast path tries a lost exchange again.',
    switches: { ...lazy_3_15, fpf: 'acc-track', ad_flush: 'yes' },
  },
  {
    name: 'v5.15',
    doc: 'Linux 5.15: the late shadow MMU. What lies below a table is synced before the table is linked, a sync flushes all CPUs, and the rights of a table are those of the entries above it.',
    switches: v5_15,
  },
  {
    name: 'hardened',
    doc: 'Linux in the middle of 2026: besides, a table that is linked already is used only for the frame and the kind of map that are wanted.',
    switches: { ...v5_15, child_reuse: 'gfn+role' },
  },
  ...profiles2008,
];
