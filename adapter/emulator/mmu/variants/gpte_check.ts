/** What a fault that builds shadow tables reads again of the guest's (G-01, D-06 of the specification). */
import type { SwitchTable } from '../variant.js';

/** How a fault has come by the shadow page of a guest table: as a root, through a link, by looking it up, or by making it. */
export const ROOT = 0;
export const LINKED = 1;
export const FOUND = 2;
export const CREATED = 3;

export const gpte_check: SwitchTable<number> = {
  doc: 'For which shadow pages a fault looks, with the lock held, whether the entry of the guest table is still what it has read without it: for all; for those that were not linked yet; only for those that it has just created; or for none.',
  values: { all: ROOT, 'looked-up': FOUND, 'new-only': CREATED, none: CREATED + 1 },
};

export const put_on_fail: SwitchTable<boolean> = {
  doc: 'Whether a fault that gives up because an entry has changed takes the parent that it has noted for a new child off again.',
  values: { yes: true, no: false },
};
