/** How a fault in a mapping of the virtual machine's file finds the page. */
import type { Step } from '../../../machine/index.js';
import { get_user_pages, hva_to_pfn, type Resolved } from '../gfn_to_pfn.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

/** Whoever calls holds the lock already. */
function* plain(kvm: Kvm, hva: number): Step<Resolved> {
  return yield* get_user_pages(kvm, hva, true);
}

/** Looks without the lock first, and takes it for the slow way: once more, for who holds it. */
function* get_user_pages_fast(kvm: Kvm, hva: number): Step<Resolved> {
  return yield* hva_to_pfn(kvm, hva, true);
}

export const gup_in_vm_fault: SwitchTable<(kvm: Kvm, hva: number) => Step<Resolved>> = {
  doc: 'Whether `kvm_vm_fault`, which is called with `mmap_sem` held, looks the page up by a function that takes `mmap_sem` itself.',
  values: { plain, fast: get_user_pages_fast },
};
