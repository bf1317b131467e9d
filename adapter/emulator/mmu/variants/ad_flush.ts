/** Whether other CPUs must forget that an entry was accessed or dirty. */
import type { SpteBits } from '../bits.js';
import type { SwitchTable } from '../variant.js';

const bits_cleared = (bits: SpteBits, old_spte: bigint, new_spte: bigint): boolean =>
  (old_spte & ~new_spte & (bits.shadow_accessed_mask | bits.shadow_dirty_mask)) !== 0n;

export const ad_flush: SwitchTable<(bits: SpteBits, old_spte: bigint, new_spte: bigint) => boolean> = {
  doc: 'Whether an update that takes A or D away asks for a flush, so that a CPU that has cached them sets them again.',
  values: { no: () => false, yes: bits_cleared },
};
