/** The first store to a page whose entry in the guest's tables is clean (F-15 of the specification). */
import { type GuestFormat, gpte_access } from '../guest/gpte.js';
import type { GuestWalker } from '../guest/walk_addr.js';
import type { SwitchTable } from '../variant.js';

/** Called when a walk for a store has set D in the last entry; what it does to the rights that the walk has found. */
export type CleanGpte = (f: GuestFormat, w: GuestWalker) => void;

/** Now the entry allows stores, if it has W. */
function works_out_again(f: GuestFormat, w: GuestWalker): void {
  w.pte_access = w.pt_access & gpte_access(f, w.ptes[w.level - 1] as bigint, true);
}

export const clean_gpte: SwitchTable<CleanGpte> = {
  doc: 'Whether the fault of the first store to a page uses the rights that the guest gave before D was set, so that the store faults a second time, or those it gives then.',
  values: { twice: () => {}, once: works_out_again },
};
