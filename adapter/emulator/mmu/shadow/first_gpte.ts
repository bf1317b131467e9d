/** Where the entries lie that a shadow page shadows. */
import type { PtType } from '../guest/gpte.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';

/** Guest physical address of the gpte behind entry 0 of a page of level 1: 32-bit tables have more entries than a shadow page. */
export const first_gpte_gpa = (type: PtType, sp: KvmMmuPage): number =>
  sp.gfn * 4096 + (type.bytes === 4 ? sp.quadrant * 512 * type.bytes : 0);
