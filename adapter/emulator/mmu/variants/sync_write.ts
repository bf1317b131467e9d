/** Whether a sync may map a guest table writable (D-05 of the specification). */
import { PT_PAGE_TABLE_LEVEL } from '../bits.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { SwitchTable } from '../variant.js';

/** Whether a frame with these shadow pages, at least one, stays read-only when a sync comes by. */
export type SyncWrite = (sps: readonly KvmMmuPage[]) => boolean;

export const sync_write: SwitchTable<SyncWrite> = {
  doc: 'What a sync makes of an entry that maps a guest table: it becomes read-only whenever the table is shadowed, or may be writable as long as all shadow pages of the table are unsync, although they may be synced next.',
  values: {
    refuse: () => true,
    'trust-unsync': (sps) => sps.some((sp) => sp.level !== PT_PAGE_TABLE_LEVEL || !sp.unsync),
  },
};
