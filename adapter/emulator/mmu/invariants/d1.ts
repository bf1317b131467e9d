/** INV-D1: no store to a logged page escapes the log. */
import { is_writable_pte } from '../bits.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { bitmapBlame, entryBlame, sayEntry, sayLeaf, spteBlame } from './say.js';
import { flushOf } from './suspects.js';

export const D1: Rule = {
  name: 'INV-D1',
  doc: 'Every page of a logged slot has its dirty bit set, or is in a snapshot that is still to be delivered, or is mapped by no writable spte and no writable TLB entry (except while a flush is pending, or the fast path is about to mark it).',
  when: 'step',
  watch: (c) => {
    const { look, dirtyLog } = c;
    const suspects = c.suspects(D1, 'step', (gfn) => judge(c, gfn));
    dirtyLog.wakes(suspects);
    c.flushes.wakes(suspects);
    c.sptes.onChange((s) => {
      if (!s.isWritable || (s.wasWritable && s.oldPfn === s.pfn) || dirtyLog.slots().length === 0) return;
      for (let gfn = s.gfn; gfn < s.gfn + s.size; gfn++) suspects.add(gfn);
    });
    c.kvm.observers.tlbFilled.push((_v, e) => {
      if (!e.writable || dirtyLog.slots().length === 0) return;
      for (let gfn = e.gfn; gfn < e.gfn + (e.level === 1 ? 1 : 512); gfn++) suspects.add(gfn);
    });
    dirtyLog.onUncovered((gfn) => suspects.add(gfn));
    dirtyLog.onLogged((slot) => {
      const base = peek(slot, 'base_gfn');
      const end = base + peek(slot, 'npages');
      for (const rel of peek(slot, 'rmap').mapped()) suspects.add(base + rel);
      for (let gfn = base - (base % 512); gfn < end; gfn += 512)
        if (look.rmap(slot, gfn, 2) !== 0) for (let g = gfn; g < gfn + 512; g++) suspects.add(g);
      for (const tlb of look.tlbs)
        for (const e of tlb.all())
          for (let gfn = e.gfn; e.writable && gfn < e.gfn + (e.level === 1 ? 1 : 512); gfn++)
            suspects.add(gfn);
    });
  },
};

function judge({ look, dirtyLog, flushes }: Checker, gfn: number): Verdict {
  const slot = dirtyLog.slotOf(gfn);
  if (slot === undefined || dirtyLog.covers(slot, gfn)) return undefined;
  const unlogged = `bit ${gfn - peek(slot, 'base_gfn')} of the dirty bitmap of slot ${peek(slot, 'id')} is clear and no harvest is about to report the page`;
  const leaf = look.leaves(gfn).find((l) => is_writable_pte(l.value));
  const excuse = dirtyLog.fastPath(gfn);
  if (leaf !== undefined)
    return excuse !== 0
      ? excuse
      : {
          message: `gfn ${hex(gfn)} can be written unnoticed: ${unlogged}, but ${sayLeaf(look, leaf)} is writable`,
          blame: [spteBlame(look, leaf.sptep), bitmapBlame(slot, gfn)],
        };
  let pending = 0;
  for (let vcpu = 0; vcpu < look.tlbs.length; vcpu++) {
    const e = look.cached(vcpu, gfn).find((x) => peek(x, 'writable'));
    if (e === undefined) continue;
    if (flushes.pending(vcpu)) pending ||= flushOf(vcpu);
    else if (excuse !== 0) pending ||= excuse;
    else
      return {
        message: `gfn ${hex(gfn)} can be written unnoticed: ${unlogged}, but vcpu ${vcpu} has ${sayEntry(e)} and no flush before it`,
        blame: [entryBlame(look, vcpu, e), bitmapBlame(slot, gfn)],
      };
  }
  return pending === 0 ? undefined : pending;
}
