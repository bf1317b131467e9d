/** What KVM tells the host about a frame. */

import { pfn_to_page } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';

/** The guest has used the frame. */
export function kvm_set_pfn_accessed(kvm: Kvm, pfn: number): void {
  const page = pfn_to_page(kvm.mm, pfn);
  if (page === undefined) return;
  page.PageAccessed = true;
  for (const o of kvm.observers.pfnAccessed) o(pfn);
}

/** The guest has written to the frame: it must be written back before it is given to somebody else. */
export function kvm_set_pfn_dirty(kvm: Kvm, pfn: number): void {
  const page = pfn_to_page(kvm.mm, pfn);
  if (page === undefined) return;
  page.PageDirty = true;
  for (const o of kvm.observers.pfnDirty) o(pfn);
}
