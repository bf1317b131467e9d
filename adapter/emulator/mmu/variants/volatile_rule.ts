/** When an spte may change under the hands of the lock holder. */
import type { SpteBits } from '../bits.js';
import { is_writable_pte } from '../bits.js';
import type { SwitchTable } from '../variant.js';

/** Only the hardware's A and D bits count. */
function ad_only(bits: SpteBits, spte: bigint): boolean {
  if (bits.shadow_accessed_mask === 0n || !bits.is_shadow_present_pte(spte)) return false;
  const accessed = (spte & bits.shadow_accessed_mask) !== 0n;
  const settled = !is_writable_pte(spte) || (spte & bits.shadow_dirty_mask) !== 0n;
  return !(accessed && settled);
}

/** The fast path may set W as well, and make a tracked entry readable. */
const lockless_or_ad = (bits: SpteBits, spte: bigint): boolean =>
  bits.spte_is_locklessly_modifiable(spte) || bits.is_access_track_spte(spte) || ad_only(bits, spte);

export const volatile_rule: SwitchTable<(bits: SpteBits, spte: bigint) => boolean> = {
  doc: 'Which sptes are exchanged atomically because they may change meanwhile: those that the fast path or the hardware may touch, or only the latter.',
  values: { 'lockless-or-ad': lockless_or_ad, 'ad-only': ad_only },
};
