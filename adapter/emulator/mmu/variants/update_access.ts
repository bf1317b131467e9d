/** What an emulated store to a guest table may make its shadow allow (G-05 of the specification). */
import { ACC_ALL, type KvmMmuPage } from '../structures/mmu_page.js';
import type { SwitchTable } from '../variant.js';

export const update_access: SwitchTable<(sp: KvmMmuPage) => number> = {
  doc: 'Rights that an spte gets at most when it is updated from a gpte that was stored: those of its shadow page, which are what the entries above leave; or all that the gpte itself gives.',
  values: { role: (sp) => sp.access, own: () => ACC_ALL },
};
