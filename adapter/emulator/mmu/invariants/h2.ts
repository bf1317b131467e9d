/** INV-H2: the host learns of what the guest has used. */
import { current, Op } from '../../../machine/index.js';
import { spte_to_pfn } from '../bits.js';
import { hex } from '../structures/pointer.js';
import { Ledger } from './ledger.js';
import { peek } from './look.js';
import type { Rule } from './rule.js';
import { spteBlame } from './say.js';

export const H2: Rule = {
  name: 'INV-H2',
  doc: 'An A bit that is taken out of an spte is passed on to the host: PageAccessed is set, or ageing reports the page as young.',
  when: 'step',
  watch: (c) => {
    const { look } = c;
    const accessed = c.kvm.bits.shadow_accessed_mask;
    if (accessed === 0n) return;
    /** Frames that have lost an A bit in this step, with the spte that had it. */
    const lost = new Ledger<number>();
    const suspects = c.suspects(H2, 'step', (pfn) => {
      const sptep = lost.get(pfn) as number;
      lost.put(pfn, undefined);
      const page = look.hostPage(pfn);
      if (page === undefined || peek(page, 'PageAccessed')) return undefined;
      return {
        message: `the A bit of the spte at ${hex(sptep * 8)} is lost: the guest has used frame ${hex(pfn)}, the spte does not say so any more, and PageAccessed is not set`,
        blame: [spteBlame(look, sptep)],
      };
    });
    c.sptes.onBits((sptep, old, value) => {
      if ((old & accessed) === 0n) return;
      const sp = look.page(sptep);
      if (sp === undefined || !look.isLeaf(old, look.levelOf(sptep))) return;
      const kept = (value & accessed) !== 0n && spte_to_pfn(old) === spte_to_pfn(value);
      // Ageing clears A by an atomic AND, and says what it has found.
      if (kept || current.op === Op.and) return;
      lost.put(spte_to_pfn(old), sptep);
      suspects.add(spte_to_pfn(old));
    });
  },
};
