/** INV-W1, INV-W3 and INV-T2: a guest table whose shadow is in sync is out of the guest's reach. */
import { is_writable_pte } from '../../bits.js';
import { type KvmMmuPage, roleText } from '../../structures/mmu_page.js';
import { hex } from '../../structures/pointer.js';
import type { Checker } from '../checker.js';
import { type Leaf, peek, spGfn, spRole } from '../look.js';
import type { Rule, Verdict } from '../rule.js';
import { entryBlame, sayEntry, sayLeaf, spteBlame } from '../say.js';
import { flushOf, type Suspects } from '../suspects.js';

const saySp = (sp: KvmMmuPage): string =>
  `the shadow page "${roleText(spRole(sp))}" of gfn ${hex(spGfn(sp))}`;

/** Guest frames are suspects when a page that shadows them changes, and when something maps them anew. */
function watchTables(c: Checker, rule: Rule, judge: (gfn: number, sp: KvmMmuPage) => Verdict): Suspects {
  const suspects = c.suspects(rule, 'lock', (gfn) => {
    const sp = c.tables.syncedOf(gfn)[0];
    return sp === undefined ? undefined : judge(gfn, sp);
  });
  c.tables.onChange((sp) => suspects.add(spGfn(sp)));
  return suspects;
}

/** The rule that no spte that maps a synced table is `wrong`. */
function noSpte(c: Checker, rule: Rule, wrong: (l: Leaf) => boolean, what: string): void {
  const suspects = watchTables(c, rule, (gfn, sp) => {
    const leaf = c.look.leaves(gfn).find(wrong);
    if (leaf === undefined) return undefined;
    return {
      message: `${sayLeaf(c.look, leaf)} ${what} gfn ${hex(gfn)}, which is a guest page table: ${saySp(sp)} is in sync with it, so no store to it may go unseen`,
      blame: [spteBlame(c.look, leaf.sptep)],
    };
  });
  c.sptes.onChange((s) => {
    if (!s.isLeaf || c.tables.size === 0) return;
    if (s.size <= 512) for (let gfn = s.gfn; gfn < s.gfn + s.size; gfn++) suspects.add(gfn);
    else for (const gfn of c.tables.shadowed) suspects.add(gfn);
  });
}

export const W1: Rule = {
  name: 'INV-W1',
  doc: 'A guest page table with a valid shadow page that is not unsync is mapped by no writable spte.',
  when: 'lock',
  watch: (c) => {
    if (!c.kvm.tdp) noSpte(c, W1, (l) => is_writable_pte(l.value), 'lets the guest write to');
  },
};

export const W3: Rule = {
  name: 'INV-W3',
  doc: 'An spte that the fast path may make writable (SPTE_HOST_WRITEABLE and SPTE_MMU_WRITEABLE) maps no guest page table that has a valid shadow page which is not unsync.',
  when: 'lock',
  watch: (c) => {
    const { bits } = c.kvm;
    if (!c.kvm.tdp)
      noSpte(
        c,
        W3,
        (l) => bits.spte_is_locklessly_modifiable(l.value),
        'may be made writable without the lock and maps',
      );
  },
};

export const T2: Rule = {
  name: 'INV-T2',
  doc: 'A guest page table with a valid shadow page that is not unsync can be written through no TLB entry that a guest can use.',
  when: 'lock',
  watch: (c) => {
    if (c.kvm.tdp) return;
    const { look, flushes } = c;
    const suspects = watchTables(c, T2, (gfn, sp) => {
      let excuse = 0;
      for (let vcpu = 0; vcpu < look.tlbs.length; vcpu++) {
        const e = look.cached(vcpu, gfn).find((x) => peek(x, 'writable'));
        if (e === undefined) continue;
        if (flushes.pending(vcpu)) excuse ||= flushOf(vcpu);
        else
          return {
            message: `vcpu ${vcpu} can store to gfn ${hex(gfn)} through ${sayEntry(e)}, and no flush of it is pending; but gfn ${hex(gfn)} is a guest page table: ${saySp(sp)} is in sync with it, so no store to it may go unseen`,
            blame: [entryBlame(look, vcpu, e)],
          };
      }
      return excuse === 0 ? undefined : excuse;
    });
    flushes.wakes(suspects);
    c.kvm.observers.tlbFilled.push((_v, e) => {
      if (!e.writable || c.tables.size === 0) return;
      for (let gfn = e.gfn; gfn < e.gfn + (e.level === 1 ? 1 : 512); gfn++)
        if (c.tables.count(gfn) > 0) suspects.add(gfn);
    });
  },
};
