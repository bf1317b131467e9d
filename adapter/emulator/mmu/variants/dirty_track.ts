/** From what KVM concludes that a page was written, when it tells the host. */
import { is_writable_pte } from '../bits.js';
import type { DirtyTrack, SwitchTable } from '../variant.js';

export const dirty_track: SwitchTable<DirtyTrack> = {
  doc: 'What makes a page dirty for the host when its mapping goes: the D bit of the entry, or W; with `w-at-protect` also W that write protection takes away.',
  values: {
    'd-bit': {
      by_w: false,
      released_dirty: (bits, spte) => bits.is_dirty_spte(spte),
      protected_dirty: () => false,
    },
    'w-at-release': {
      by_w: true,
      released_dirty: (_bits, spte) => is_writable_pte(spte),
      protected_dirty: () => false,
    },
    'w-at-protect': {
      by_w: true,
      released_dirty: (_bits, spte) => is_writable_pte(spte),
      protected_dirty: is_writable_pte,
    },
  },
};
