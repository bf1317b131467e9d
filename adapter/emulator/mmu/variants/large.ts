/** Large sptes under write protection, and in the way of small ones. */
import type { Step } from '../../../machine/index.js';
import { PT_PAGE_TABLE_LEVEL } from '../bits.js';
import { drop_large_spte } from '../spte.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { LargeWriteProtect, SwitchTable } from '../variant.js';

export const large_wp: SwitchTable<LargeWriteProtect> = {
  doc: 'What write protection does with a large writable spte: drops it, or only clears W; then the fast path must look at the level before it sets W again.',
  values: {
    drop: { drop: true, fast: () => true },
    'lazy-unchecked': { drop: false, fast: () => true },
    'lazy-checked': { drop: false, fast: (level) => level === PT_PAGE_TABLE_LEVEL },
  },
};

function* kept(): Step<void> {}

export const ro_large: SwitchTable<(vcpu: KvmVcpu, sptep: number) => Step<void>> = {
  doc: 'Whether a large spte that stands in the way of a small mapping ends the walk of `__direct_map`, or is dropped.',
  values: { kept, dropped: drop_large_spte },
};
