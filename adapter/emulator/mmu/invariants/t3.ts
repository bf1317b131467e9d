/** INV-T3: freed frames are out of the guest's reach. */
import { machine } from '../../../machine/index.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { entryBlame, sayEntry, sayLeaf, spteBlame } from './say.js';
import { flushOf } from './suspects.js';

export const T3: Rule = {
  name: 'INV-T3',
  doc: 'No spte, and no TLB entry that a guest can still use, maps a frame that the host has freed.',
  when: 'step',
  watch: (c) => {
    const { look, kvm } = c;
    // From the first mapping on, so that every way to a frame is known when it is freed.
    c.mappings;
    const suspects = c.suspects(T3, 'step', (pfn) => judge(c, pfn));
    c.flushes.wakes(suspects);
    kvm.observers.frameFreed.push((pfn) => suspects.add(pfn));
    kvm.observers.tlbFilled.push((_v, e) => {
      if (look.freed(e.pfn)) suspects.add(e.pfn);
    });
    kvm.observers.guestStored.push((_v, _gpa, pfn) => {
      if (look.freed(pfn)) suspects.add(pfn);
    });
    c.sptes.onChange((s) => {
      if (s.isLeaf && look.freed(s.pfn)) suspects.add(s.pfn);
    });
  },
};

function judge({ look, mappings, flushes }: Checker, pfn: number): Verdict {
  if (!look.freed(pfn)) return undefined;
  const frame = machine.phys.frame(pfn);
  const by = `frame ${hex(pfn)} was freed by ${frame?.freed?.thread} at step ${frame?.freed?.step}`;
  const leaf = mappings.leavesOf(pfn)[0];
  if (leaf !== undefined)
    return { message: `${by}, but ${sayLeaf(look, leaf)} maps it`, blame: [spteBlame(look, leaf.sptep)] };
  let excuse = 0;
  for (const gfn of mappings.gfnsOf(pfn))
    for (let vcpu = 0; vcpu < look.tlbs.length; vcpu++) {
      const e = look.cached(vcpu, gfn).find((x) => look.framePfn(x, gfn) === pfn);
      if (e === undefined) continue;
      if (!flushes.usable(vcpu)) excuse ||= flushOf(vcpu);
      else
        return {
          message: `${by}, but vcpu ${vcpu} still translates gfn ${hex(gfn)} to it: ${sayEntry(e)}${
            look.inGuest(vcpu) ? `, and vcpu ${vcpu} is in guest mode` : ', and no flush is pending'
          } (requests ${hex(peek(look.vcpus[vcpu] as (typeof look.vcpus)[0], 'requests'))})`,
          blame: [entryBlame(look, vcpu, e)],
        };
    }
  return excuse === 0 ? undefined : excuse;
}
