/** What happens when a direct page is made to map another gfn than its place says. */
import { BUG_ON } from '../../../machine/index.js';
import type { SwitchTable } from '../variant.js';
import { WARN_ON } from '../warn.js';

export const gfn_mismatch: SwitchTable<(condition: boolean, what: string) => void> = {
  doc: 'Whether a direct page that is made to map another gfn than follows from its place, and a reverse map that lacks an spte for that reason, are bugs that stop the kernel, or warnings after which it goes on.',
  values: { bug: BUG_ON, warn: WARN_ON },
};
