/** Roots where the tables of the guest are not shadowed (E-09, F-09 of the specification). */
import type { Step } from '../../../machine/index.js';
import { mmu_free_roots } from '../mmu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

export const tdp_root_key: SwitchTable<(vcpu: KvmVcpu) => number> = {
  doc: 'Under which gfn the root of two-dimensional paging is looked up: 0 for all vCPUs, or what the cr3 of the guest happens to hold.',
  values: { fixed: () => 0, cr3: (vcpu) => Math.floor(vcpu.arch.cr3 / 4096) },
};

function* nothing(): Step<void> {}

export const direct_new_cr3: SwitchTable<(vcpu: KvmVcpu) => Step<void>> = {
  doc: 'Whether a load of cr3 that KVM sees, in a guest whose tables are not shadowed, drops the roots: loading them again is what brings cr3 into the hardware.',
  values: { 'free-roots': mmu_free_roots, noop: nothing },
};
