/** INV-H1: the host learns of what the guest has written. */
import { is_writable_pte, KVM_PAGES_PER_HPAGE, spte_to_pfn } from '../bits.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { Ledger } from './ledger.js';
import { peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { sayLeaf, spteBlame } from './say.js';

export const H1: Rule = {
  name: 'INV-H1',
  doc: 'A frame that the guest has stored to since it was last written back is dirty for the host: PageDirty, or a D bit in an spte that maps it (any present spte where the hardware has no D bit; W where `dirty_track` goes by W, or `fpf: acc-track` does).',
  when: 'step',
  watch: (c) => {
    // From the first mapping on, so that all sptes of a frame are known.
    c.mappings;
    const stored = new Ledger<number>();
    const suspects = c.suspects(H1, 'step', (pfn) =>
      stored.has(pfn) ? judge(c, pfn, stored.get(pfn) as number) : undefined,
    );
    const dirty = c.kvm.bits.shadow_dirty_mask;
    const by_w = goesByW(c);
    const { observers } = c.kvm;
    observers.guestStored.push((_v, _gpa, pfn) => {
      if (stored.has(pfn)) return;
      stored.put(pfn, c.machine.steps);
      suspects.add(pfn);
    });
    observers.pageCleaned.push((page) => {
      const [first, count] = c.look.framesOf(page);
      for (let pfn = first; pfn < first + count; pfn++) stored.put(pfn, undefined);
    });
    observers.frameFreed.push((pfn) => stored.put(pfn, undefined));
    c.sptes.onChange((s) => {
      const narrowed = by_w && s.wasWritable && !s.isWritable;
      if (!s.wasLeaf || (s.isLeaf && s.pfn === s.oldPfn && !narrowed)) return;
      for (let pfn = s.oldPfn; pfn < s.oldPfn + s.size; pfn++) if (stored.has(pfn)) suspects.add(pfn);
    });
    c.sptes.onBits((sptep, old, value) => {
      if ((old & dirty) === 0n || (value & dirty) !== 0n) return;
      const level = c.look.levelOf(sptep);
      if (!c.look.isLeaf(old, level)) return;
      const first = spte_to_pfn(old);
      for (let pfn = first; pfn < first + KVM_PAGES_PER_HPAGE(level); pfn++)
        if (stored.has(pfn)) suspects.add(pfn);
    });
  },
};

/** Whether W stands for "was written". */
const goesByW = ({ kvm }: Checker): boolean => kvm.variant.dirty_track.by_w || kvm.bits.dirty_by_w;

function judge(c: Checker, pfn: number, step: number): Verdict {
  const { look, mappings, kvm } = c;
  const page = look.hostPage(pfn);
  if (page === undefined || peek(page, 'PageDirty')) return undefined;
  const dirty = kvm.bits.shadow_dirty_mask;
  const leaves = mappings.leavesOf(pfn);
  const by_w = goesByW(c);
  if (leaves.some((l) => (by_w ? is_writable_pte(l.value) : dirty === 0n || (l.value & dirty) !== 0n)))
    return undefined;
  const behind =
    leaves.length === 0
      ? 'no spte maps it any more'
      : `${leaves.map((l) => sayLeaf(look, l)).join(' and ')} has no ${by_w ? 'W' : 'D'}`;
  const suspects =
    leaves.length > 0
      ? leaves.map((l) => l.sptep)
      : mappings.gfnsOf(pfn).flatMap((gfn) => look.smallEntries(gfn));
  return {
    message: `frame ${hex(pfn)} was written by the guest at step ${step} and looks clean to the host: PageDirty is not set, and ${behind}; it will be dropped without being written back`,
    blame: suspects.map((sptep) => spteBlame(look, sptep)),
  };
}
