/** INV-R2: parent lists and links agree. */
import { spte_to_pfn } from '../bits.js';
import { pte_list_items } from '../pte_list.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { gfnAt, peek, spGfn, spLevel, spTable } from './look.js';
import type { Blame, Rule, Verdict } from './rule.js';
import { saySpte, spteBlame } from './say.js';

/** Suspects are links (even numbers) and tables, by their frames (odd). */
const link = (sptep: number): number => sptep * 2;
const table = (pfn: number): number => pfn * 2 + 1;
const sayPage = (sp: KvmMmuPage): string => `the shadow page of gfn ${hex(spGfn(sp))} level ${spLevel(sp)}`;
const parentsBlame = (sp: KvmMmuPage): Blame => ({
  what: `parent_ptes of ${sayPage(sp)}`,
  obj: sp,
  slot: sp.$slotOf('parent_ptes'),
});

export const R2: Rule = {
  name: 'INV-R2',
  doc: 'The parent list of a shadow page is the set of the present sptes that point to its table.',
  when: 'lock',
  watch: (c) => {
    const suspects = c.suspects(R2, 'lock', (key) =>
      key % 2 === 0 ? judgeLink(c, key / 2) : judgeTable(c, (key - 1) / 2),
    );
    c.sptes.onChange((s) => {
      if (s.isLink) suspects.add(link(s.sptep));
      if (s.wasLink) suspects.add(table(s.oldPfn));
      if (s.isLink) suspects.add(table(s.pfn));
    });
    c.onEnd(() => {
      const pages = peek(peek(c.kvm, 'arch'), 'active_mmu_pages');
      for (let i = 0, sp = pages.element(0); sp !== undefined; sp = pages.element(++i))
        suspects.add(table(spTable(sp as KvmMmuPage).pfn));
    });
  },
};

/** A link is in the parent list of the table that it points to. */
function judgeLink({ look }: Checker, sptep: number): Verdict {
  const sp = look.page(sptep);
  if (sp === undefined || sp.$freed !== null) return undefined;
  const level = spLevel(sp);
  const value = look.word(sptep);
  if (!look.isLink(value, level)) return undefined;
  const says = saySpte(look, sptep, level, gfnAt(sp, sptep));
  const child = look.page(spte_to_pfn(value) * 512);
  if (child === undefined || child.$freed !== null)
    return {
      message: `${says} points to a table that ${child === undefined ? 'does not exist' : 'was freed'}`,
      blame: [spteBlame(look, sptep)],
    };
  const times = pte_list_items(peek(child, 'parent_ptes')).filter((p) => p === sptep).length;
  if (times === 1) return undefined;
  return {
    message: `${says} points to ${sayPage(child)}, whose parent list has it ${times} times instead of once`,
    blame: [spteBlame(look, sptep), parentsBlame(child)],
  };
}

/** What is in the parent list of a table points to it. */
function judgeTable({ look }: Checker, pfn: number): Verdict {
  const sp = look.page(pfn * 512);
  if (sp === undefined || sp.$freed !== null) return undefined;
  for (const sptep of pte_list_items(peek(sp, 'parent_ptes'))) {
    const parent = look.page(sptep);
    const value = look.word(sptep);
    const points =
      parent !== undefined &&
      parent.$freed === null &&
      look.isLink(value, spLevel(parent)) &&
      spte_to_pfn(value) === pfn;
    if (!points)
      return {
        message: `the parent list of ${sayPage(sp)} has the entry at ${hex(sptep * 8)}, which ${parent === undefined || parent.$freed !== null ? 'is in no live shadow page' : `does not point to it (${hex(value)})`}`,
        blame: [parentsBlame(sp), spteBlame(look, sptep)],
      };
  }
  return undefined;
}
