/** INV-W2: W is set only where both software bits allow it. */

import type { Rule } from './rule.js';
import { saySpte, spteBlame } from './say.js';

export const W2: Rule = {
  name: 'INV-W2',
  doc: 'A leaf spte with W has SPTE_HOST_WRITEABLE and (in kernels that have the bit) SPTE_MMU_WRITEABLE.',
  when: 'step',
  watch: (c) => {
    const { bits } = c.kvm;
    const needed = bits.SPTE_HOST_WRITEABLE | bits.SPTE_MMU_WRITEABLE;
    c.sptes.onChange((s) => {
      if (!s.isWritable || (s.value & needed) === needed) return;
      const missing = [
        ...((s.value & bits.SPTE_HOST_WRITEABLE) !== bits.SPTE_HOST_WRITEABLE ? ['SPTE_HOST_WRITEABLE'] : []),
        ...((s.value & bits.SPTE_MMU_WRITEABLE) === 0n && bits.SPTE_MMU_WRITEABLE !== 0n
          ? ['SPTE_MMU_WRITEABLE']
          : []),
      ];
      c.broken(W2, {
        message: `${saySpte(c.look, s.sptep, s.level, s.gfn)} is writable without ${missing.join(' and ')}`,
        blame: [spteBlame(c.look, s.sptep)],
      });
    });
  },
};
