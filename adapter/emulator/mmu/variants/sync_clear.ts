/** When a sync says that a page is in sync again (D-04 of the specification). */
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { SwitchTable } from '../variant.js';

/** What is done with the mark `unsync` around the entries of a page that is synced for good. */
export interface SyncClear {
  before(kvm: Kvm, sp: KvmMmuPage): void;
  after(kvm: Kvm, sp: KvmMmuPage): void;
}

const nothing = (): void => {};
const unlink = (kvm: Kvm, sp: KvmMmuPage): void => kvm.variant.oos.unlink(kvm, sp);

export const sync_clear: SwitchTable<SyncClear> = {
  doc: 'Whether a page counts as in sync before its entries are synced, so that an entry which maps its own guest table is made read-only, or only after that.',
  values: {
    before: { before: unlink, after: nothing },
    after: { before: nothing, after: unlink },
  },
};
