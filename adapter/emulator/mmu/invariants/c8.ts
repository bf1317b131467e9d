/** INV-C8: large mappings are counted. */
import { current, siteOf } from '../../../machine/index.js';
import { Kept } from './ledger.js';
import { peek } from './look.js';
import type { Rule } from './rule.js';

/** Functions that drop large sptes without counting, in the kernel as well. */
const UNCOUNTED = new Set(['kvm_unmap_rmapp', 'kvm_set_pte_rmapp', 'rmap_recycle']);

export const C8: Rule = {
  name: 'INV-C8',
  doc: 'lpages is the number of large leaf sptes, not counting those that mmu notifiers have removed: those the kernel never takes off.',
  when: 'lock',
  watch: (c) => {
    const large = new Kept(0);
    const suspects = c.suspects(C8, 'lock', () => {
      const stat = peek(c.kvm, 'stat');
      const lpages = peek(stat, 'lpages');
      if (lpages === large.value) return undefined;
      return {
        message: `lpages is ${lpages}, but there are ${large.value} large sptes to be counted`,
        blame: [{ what: 'lpages', obj: stat, slot: stat.$slotOf('lpages') }],
      };
    });
    c.sptes.onChange((s) => {
      if (s.level === 1 || s.wasLeaf === s.isLeaf) return;
      suspects.add(0);
      if (s.isLeaf) large.value++;
      else if (!current.frames().some((f) => UNCOUNTED.has(siteOf(f.site)?.fn ?? ''))) large.value--;
    });
    c.onEnd(() => suspects.add(0));
  },
};
