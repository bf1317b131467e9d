/** INV-R1: reverse maps and sptes agree. */
import { spte_to_pfn } from '../bits.js';
import { pte_list_items } from '../pte_list.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { gfnAt, peek, spIndirect, spLevel } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { saySpte, spteBlame } from './say.js';

export const R1: Rule = {
  name: 'INV-R1',
  doc: 'Each present leaf spte is exactly once in the reverse map of its gfn and level, and each pointer of a reverse map leads to a present leaf spte of a live shadow page.',
  when: 'lock',
  watch: (c) => {
    const { look } = c;
    const suspects = c.suspects(R1, 'lock', (sptep) => judge(c, sptep));
    c.sptes.onChange((s) => {
      const other = s.isLeaf && spIndirect(s.sp) && s.gfn !== gfnAt(s.sp, s.sptep);
      if (other || s.wasLeaf !== s.isLeaf || (s.isLeaf && s.oldPfn !== s.pfn)) suspects.add(s.sptep);
    });
    c.onPublished((before) => {
      for (const slot of look.slots(before))
        if (!look.slots().some((s) => peek(s, 'id') === peek(slot, 'id')))
          for (const sptep of mappings(c, slot)) suspects.add(sptep);
    });
    c.onEnd(() => {
      for (const slot of look.slots()) {
        const base = peek(slot, 'base_gfn');
        for (const rel of peek(slot, 'rmap').mapped()) chain(c, slot, base + rel, 1);
        for (let gfn = base - (base % 512); gfn < base + peek(slot, 'npages'); gfn += 512)
          chain(c, slot, gfn, 2);
      }
    });
  },
};

/** The sptes that the reverse maps of a slot lead to. */
function mappings({ look }: Checker, slot: KvmMemorySlot): number[] {
  const base = peek(slot, 'base_gfn');
  const all = peek(slot, 'rmap')
    .mapped()
    .flatMap((rel) => pte_list_items(look.rmap(slot, base + rel, 1)));
  for (let gfn = base - (base % 512); gfn < base + peek(slot, 'npages'); gfn += 512)
    all.push(...pte_list_items(look.rmap(slot, gfn, 2)));
  return all;
}

/** Every pointer of a chain leads to a present leaf of that gfn and level. */
function chain(c: Checker, slot: KvmMemorySlot, gfn: number, level: number): void {
  const { look } = c;
  for (const sptep of pte_list_items(look.rmap(slot, gfn, level))) {
    const sp = look.page(sptep);
    const right =
      sp !== undefined &&
      sp.$freed === null &&
      spLevel(sp) === level &&
      gfnAt(sp, sptep) === gfn &&
      look.isLeaf(look.word(sptep), level);
    if (right) continue;
    const what =
      sp === undefined || sp.$freed !== null
        ? `${hex(sptep * 8)}, which is in no live shadow page`
        : `${saySpte(look, sptep, spLevel(sp), gfnAt(sp, sptep))}, which does not map that gfn`;
    c.broken(R1, {
      message: `the level ${level} reverse map of gfn ${hex(gfn)} (slot ${peek(slot, 'id')}) points to ${what}`,
      blame: [spteBlame(look, sptep)],
    });
  }
}

function judge({ look }: Checker, sptep: number): Verdict {
  const sp = look.page(sptep);
  if (sp === undefined) return undefined;
  const level = spLevel(sp);
  const value = look.word(sptep);
  const leaf = sp.$freed === null && look.isLeaf(value, level);
  const gfn = leaf && spIndirect(sp) ? look.gfnOfLeaf(sptep, spte_to_pfn(value)) : gfnAt(sp, sptep);
  const slot = look.slotOf(gfn);
  if (slot === undefined) return orphan();
  const found = pte_list_items(look.rmap(slot, gfn, level)).filter((p) => p === sptep).length;
  if (found === (leaf ? 1 : 0)) return undefined;
  const times = found === 0 ? 'not' : `${found} times`;
  const state =
    sp.$freed !== null ? 'belongs to a freed shadow page' : leaf ? 'is a present leaf' : 'maps nothing';
  return {
    message: `${saySpte(look, sptep, level, gfn)} ${state}, but is ${times} in the level ${level} reverse map of gfn ${hex(gfn)} (slot ${peek(slot, 'id')})`,
    blame: [spteBlame(look, sptep)],
  };
  /** A leaf of a gfn that no slot has any more. */
  function orphan(): Verdict {
    if (!leaf) return undefined;
    return {
      message: `${saySpte(look, sptep, level, gfn)} is a present leaf, but no memory slot has gfn ${hex(gfn)}: its reverse map is gone`,
      blame: [spteBlame(look, sptep)],
    };
  }
}
