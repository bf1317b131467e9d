/** What becomes of a present spte when its address turns out to be in no memory slot (E-11 of the specification). */
import type { SwitchTable } from '../variant.js';

export const mmio_over_present: SwitchTable<boolean> = {
  doc: 'Whether the spte that marks an address without memory is written over what is mapped there, or only after that was dropped.',
  values: { no: false, yes: true },
};
