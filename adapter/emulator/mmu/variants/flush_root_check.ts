/** Flushing what is tagged with a root, when there is none. */
import { INVALID_PAGE } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

export const flush_root_check: SwitchTable<(root_hpa: number) => boolean> = {
  doc: 'Whether a flush of an EPT context looks first whether there is a root, or builds the pointer to flush from whatever the register holds.',
  values: { yes: (root_hpa) => root_hpa === INVALID_PAGE, no: () => false },
};
