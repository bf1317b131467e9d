/** Which read-only sptes the protection of a guest page table still has to touch. */
import type { SpteBits } from '../bits.js';
import type { SwitchTable } from '../variant.js';

export const pt_protect_test: SwitchTable<(bits: SpteBits, spte: bigint) => boolean> = {
  doc: 'Whether protecting a guest page table also treats an spte that is read-only now but that the fast path could make writable.',
  values: {
    'w-or-lockless': (bits, spte) => bits.spte_is_locklessly_modifiable(spte),
    'w-only': () => false,
  },
};
