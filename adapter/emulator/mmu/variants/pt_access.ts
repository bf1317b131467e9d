/** Which rights a shadow page gets that lies below others. */
import type { GuestWalker } from '../guest/walk_addr.js';
import type { SwitchTable } from '../variant.js';

export const pt_access: SwitchTable<(gw: GuestWalker, level: number) => number> = {
  doc: 'Rights in the role of a shadow page: those of all entries above the leaf together, also of entries below the page; or only of the entries above the page.',
  values: {
    last: (gw) => gw.pt_access,
    'per-level': (gw, level) => gw.level_access[level - 1] ?? gw.pt_access,
  },
};
