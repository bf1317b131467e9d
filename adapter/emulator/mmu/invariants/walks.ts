/** INV-L2 and INV-L3, as far as the machine does not see to them: what the page walk of the hardware goes through. */
import { KVM_PAGES_PER_HPAGE } from '../bits.js';
import { hex } from '../structures/pointer.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { Checker } from './checker.js';
import { gfnAt, peek, spLevel } from './look.js';
import type { Rule } from './rule.js';
import { sayEntry, spteBlame } from './say.js';

/** Looks at each translation that a walk has found. `wrong` says what is wrong with the table that its leaf lies in. */
function watchWalks(c: Checker, rule: Rule, wrong: (e: TlbEntry) => string): void {
  c.kvm.observers.tlbFilled.push((_v, e) => {
    const problem = wrong(e);
    if (problem !== '')
      c.broken(rule, {
        message: `${sayEntry(e)} comes from the word at ${hex(e.sptep * 8)}, ${problem}`,
        blame: [spteBlame(c.look, e.sptep)],
      });
  });
}

export const L2: Rule = {
  name: 'INV-L2',
  doc: 'No page walk of the hardware goes through a shadow page that was freed. (Kernel code that touches freed memory is reported as a use after free.)',
  when: 'step',
  watch: (c) =>
    watchWalks(c, L2, (e) => {
      const freed = c.machine.phys.frameOf(e.sptep)?.freed ?? null;
      return freed === null ? '' : `which lies in a frame that ${freed.thread} freed at step ${freed.step}`;
    }),
};

export const L3: Rule = {
  name: 'INV-L3',
  doc: 'No walk of shadow tables takes for a table what is none: it goes only through shadow pages of the right level and address. Neither a walk nor a flush of a context is built on a root that is not there.',
  when: 'step',
  watch: (c) => {
    c.kvm.observers.noRootUsed.push((v, how) =>
      c.broken(L3, {
        message: `vcpu ${peek(v, 'vcpu_id')} ${how}, but it has none: the pointer is built from an invalid root_hpa`,
        blame: [],
      }),
    );
    c.kvm.observers.wentAstray.push((pfn, through) =>
      c.broken(L3, {
        message: `the kernel walks through ${through} into frame ${hex(pfn)}, which is no shadow page, and takes its words for sptes`,
        blame: [],
      }),
    );
    watchWalks(c, L3, (e) => {
      const sp = c.look.page(e.sptep);
      if (sp === undefined) return 'which is not in a shadow page';
      const level = peek(e, 'level');
      // Of a large page of KVM's the guest may use parts.
      const part = peek(e, 'guest_level') > 0 && spLevel(sp) > level;
      if (spLevel(sp) !== level && !part) return `which is in a table of level ${spLevel(sp)}`;
      const gfn = gfnAt(sp, e.sptep);
      const mapped = peek(e, 'gfn');
      return gfn === mapped - (part ? mapped % KVM_PAGES_PER_HPAGE(spLevel(sp)) : 0)
        ? ''
        : `which is the entry of gfn ${hex(gfn)}`;
    });
  },
};
