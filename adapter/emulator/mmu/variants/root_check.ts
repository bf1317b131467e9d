/** Faults of a vCPU that has no root tables any more (F-07 of the specification). */
import type { Step } from '../../../machine/index.js';
import { kvm_mmu_reset_context } from '../guest/init_mmu.js';
import { INVALID_PAGE, type KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

export const root_check: SwitchTable<(root_hpa: number) => boolean> = {
  doc: 'Whether a fault looks first whether there is a root, or walks from whatever the register holds.',
  values: { none: () => false, checked: (root_hpa) => root_hpa === INVALID_PAGE },
};

/** What else may happen when a page has to be brought into memory for a fault; null when nothing does. */
export type SlowPage = ((vcpu: KvmVcpu) => Step<void>) | null;

export const fault_resets_root: SwitchTable<SlowPage> = {
  doc: 'Whether a fault for a page that is not in memory ends in the root being dropped: an interrupt came, and to take it a nested guest was left. Nested guests are not modelled; this stands in for them.',
  values: { no: null, yes: kvm_mmu_reset_context },
};
