/** How the frame behind a guest frame is found while `mmu_lock` is held (patches 1 and 3 of the out-of-sync series). */
import type { Step } from '../../../machine/index.js';
import { hva_to_pfn, hva_to_pfn_atomic } from '../gfn_to_pfn.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

/** Looks without a lock, and takes `mmap_sem` where that finds nothing. */
function* sleeps(kvm: Kvm, hva: number): Step<number> {
  return (yield* hva_to_pfn(kvm, hva, true)).pfn;
}

export const gfn_to_page_atomic: SwitchTable<(kvm: Kvm, hva: number) => Step<number>> = {
  doc: "How `oos: rfc` finds the frame of an entry during a sync, and a new shadow page its table. `atomic`: by a look at the host's page table that gives up where there is nothing. `sleeps`: by one that faults the page in, for which it takes `mmap_sem` with `mmu_lock` held.",
  values: { atomic: hva_to_pfn_atomic, sleeps },
};
