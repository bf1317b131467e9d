/** How a new shadow page reads its guest table (patch 4 of the out-of-sync series). */
import { WORDS } from '../../../machine/index.js';
import type { SwitchTable } from '../variant.js';

export const prefetch_map: SwitchTable<number> = {
  doc: 'With `bypass_guest_pf`: how often a new shadow page looks up where its guest table lies in the host: once for the whole `page`, which it then reads in place; or for each of the `pieces` of 256 bytes that it copies.',
  values: { page: WORDS, pieces: 256 / 8 },
};
