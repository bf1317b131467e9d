/** INV-T5: one address, one size. */
import { hex } from '../structures/pointer.js';
import { type Tlb, tlbKey } from '../structures/tlb.js';
import { peek } from './look.js';
import type { Rule } from './rule.js';
import { entryBlame, sayEntry } from './say.js';
import { entryOf, tlbSuspect } from './tlb_suspects.js';

export const T5: Rule = {
  name: 'INV-T5',
  doc: 'While nobody is inside an operation, no CPU holds two TLB entries of different size for one address.',
  when: 'quiet',
  watch: (c) => {
    const { look } = c;
    const suspects = c.suspects(T5, 'quiet', (key) => {
      const { vcpu, entry } = entryOf(look, key);
      if (entry === undefined) return undefined;
      const large = look.translations(vcpu, peek(entry, 'vpn')).find((e) => peek(e, 'level') > 1);
      if (large === undefined) return undefined;
      return {
        message: `vcpu ${vcpu} holds two translations of ${c.kvm.walk.paged ? 'page' : 'gfn'} ${hex(peek(entry, 'vpn'))}: ${sayEntry(large)} and ${sayEntry(entry)}`,
        blame: [entryBlame(look, vcpu, large), entryBlame(look, vcpu, entry)],
      };
    });
    c.kvm.observers.tlbFilled.push((v, e) => {
      const vcpu = peek(v, 'vcpu_id');
      const tlb = look.tlbs[vcpu] as Tlb;
      if (e.level === 1) {
        if (tlb.$get(tlbKey(e.vpn - (e.vpn % 512), 2)) !== undefined) suspects.add(tlbSuspect(vcpu, e));
        return;
      }
      for (let vpn = e.vpn; vpn < e.vpn + 512; vpn++) {
        const small = tlb.$get(tlbKey(vpn, 1));
        if (small !== undefined) suspects.add(tlbSuspect(vcpu, small as typeof e));
      }
    });
  },
};
