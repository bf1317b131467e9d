/** Whether other CPUs must forget that an entry was accessed or dirty. */
import type { SpteBits } from '../bits.js';
import type { SwitchTable } from '../variant.js';

const bits_cleared = (bits: SpteBits, old_spte: bigint, new_spte: bigint): boolean =>
  (bits.is_accessed_spte(old_spte) && !bits.is_accessed_spte(new_spte)) ||
  (bits.is_dirty_spte(old_spte) && !bits.is_dirty_spte(new_spte));

export const ad_flush: SwitchTable<(bits: SpteBits, old_spte: bigint, new_spte: bigint) => boolean> = {
  doc: 'Whether an update that takes A or D away asks for a flush, so that a CPU that has cached them sets them again.',
  values: { no: () => false, yes: bits_cleared },
};
