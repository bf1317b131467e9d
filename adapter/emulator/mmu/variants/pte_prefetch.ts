/** Whether a fault maps the neighbours of its page along (specification, section 8.3). */
import type { SwitchTable } from '../variant.js';

export const pte_prefetch: SwitchTable<boolean> = {
  doc: 'Whether a fault maps the neighbours of its page along where their frames are at hand; 2008 it did not.',
  values: { on: true, off: false },
};
