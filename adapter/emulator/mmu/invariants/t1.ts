/** INV-T1: what a CPU may store through without a fault is known to the dirty log. */
import type { Checker } from './checker.js';
import { peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { bitmapBlame, entryBlame, sayEntry, sayLeaf, spteBlame } from './say.js';
import { flushOf } from './suspects.js';
import { eachEntry, entryOf, tlbSuspect } from './tlb_suspects.js';

export const T1: Rule = {
  name: 'INV-T1',
  doc: 'A TLB entry that allows stores to a logged page has the page in the dirty log, or a writable spte behind it, or a flush of it is pending, or the fast path is about to mark the page.',
  when: 'step',
  watch: (c) => {
    const { look, dirtyLog, flushes } = c;
    const suspects = c.suspects(T1, 'step', (key) => judge(c, key));
    flushes.wakes(suspects);
    dirtyLog.wakes(suspects);
    const suspect = (gfn: number) => eachEntry(look, gfn, (key, e) => e.writable && suspects.add(key));
    c.kvm.observers.tlbFilled.push((v, e) => {
      if (e.writable && dirtyLog.slots().length > 0) suspects.add(tlbSuspect(peek(v, 'vcpu_id'), e));
    });
    c.sptes.onChange((s) => {
      if (!s.wasWritable || s.isWritable || dirtyLog.slots().length === 0) return;
      for (let gfn = s.gfn; gfn < s.gfn + s.size; gfn++) suspect(gfn);
    });
    dirtyLog.onUncovered(suspect);
    dirtyLog.onLogged((slot) => {
      const first = peek(slot, 'base_gfn');
      const end = first + peek(slot, 'npages');
      look.tlbs.forEach((tlb, vcpu) => {
        for (const e of tlb.all())
          if (e.writable && e.gfn < end && e.gfn + 512 > first) suspects.add(tlbSuspect(vcpu, e));
      });
    });
  },
};

function judge({ look, dirtyLog, flushes }: Checker, key: number): Verdict {
  const { vcpu, entry } = entryOf(look, key);
  if (entry === undefined || !peek(entry, 'writable')) return undefined;
  const first = peek(entry, 'gfn');
  for (let gfn = first; gfn < first + (peek(entry, 'level') === 1 ? 1 : 512); gfn++) {
    const slot = dirtyLog.slotOf(gfn);
    if (slot === undefined || dirtyLog.covers(slot, gfn)) continue;
    const leaves = look.leaves(gfn);
    if (leaves.some((l) => (l.value & 2n) !== 0n)) continue;
    if (flushes.pending(vcpu)) return flushOf(vcpu);
    const excuse = dirtyLog.fastPath(gfn);
    if (excuse !== 0) return excuse;
    const behind =
      leaves.length === 0
        ? 'no spte maps the page any more'
        : `${sayLeaf(look, leaves[0] as (typeof leaves)[0])} is read-only`;
    return {
      message: `vcpu ${vcpu} can store to gfn 0x${gfn.toString(16)} unnoticed: ${sayEntry(entry)} allows it, but ${behind}, bit ${gfn - peek(slot, 'base_gfn')} of the dirty bitmap of slot ${peek(slot, 'id')} is clear, and no flush of vcpu ${vcpu} is pending`,
      blame: [
        entryBlame(look, vcpu, entry),
        ...leaves.map((l) => spteBlame(look, l.sptep)),
        bitmapBlame(slot, gfn),
      ],
    };
  }
  return undefined;
}
