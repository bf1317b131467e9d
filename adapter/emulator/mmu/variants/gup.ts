/** How a fault finds the host's page behind a guest frame, without `mmu_lock` (patch 2 of the out-of-sync series). */
import type { Step } from '../../../machine/index.js';
import { hva_to_pfn, hva_to_pfn_slow, type Resolved } from '../gfn_to_pfn.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

export const gup: SwitchTable<(kvm: Kvm, hva: number, write_fault: boolean) => Step<Resolved>> = {
  doc: "How a fault finds the host's page. `fast`: by a look at the host's page table that takes no lock; only where that finds nothing, under `mmap_sem`. `locked`: always under `mmap_sem`, so that it waits for everybody who changes the areas of the process.",
  values: { fast: hva_to_pfn, locked: hva_to_pfn_slow },
};
