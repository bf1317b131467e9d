/** Switches about bits of an spte. */
import type { SwitchTable } from '../variant.js';

export const hostw_bit: SwitchTable<number> = {
  doc: 'Which bit of an spte is SPTE_HOST_WRITEABLE. Bit 9 is also the dirty bit of EPT, where the hardware has one (option `eptad`). `none` (2008): there is no such bit, and every page is looked up for writing.',
  base: '10',
  values: { '10': 10, '9': 9, none: -1 },
};

export const age_bit: SwitchTable<'mask' | 'fixed5'> = {
  doc: 'Which bit ageing tests and clears: the accessed bit of the format in use, or always bit 5, which EPT uses for the memory type.',
  values: { mask: 'mask', fixed5: 'fixed5' },
};
