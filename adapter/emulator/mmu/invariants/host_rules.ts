/** INV-W4 and INV-N1: sptes agree with the page table of the process. */
import { KVM_PAGES_PER_HPAGE, spte_to_pfn } from '../bits.js';
import { pte_pfn, pte_present, pte_write } from '../structures/host.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import { hex } from '../structures/pointer.js';
import type { Checker } from './checker.js';
import { type Leaf, type Look, peek } from './look.js';
import type { Rule, Verdict } from './rule.js';
import { sayLeaf, spteBlame } from './say.js';

/** Watches the mappings of guest frames and what the host has behind them. `wrong` says what is wrong with one frame of a leaf. */
function watchFrames(c: Checker, rule: Rule, wrong: (l: Leaf, pte: number, gfn: number) => string): void {
  const { look } = c;
  const suspects = c.suspects(rule, 'host', judge);
  c.sptes.onChange((s) => {
    if (
      s.isLeaf &&
      (s.oldPfn !== s.pfn || ((s.old ^ s.value) & c.kvm.bits.SPTE_HOST_WRITEABLE) !== 0n || !s.wasLeaf)
    )
      suspects.add(s.gfn);
  });
  c.kvm.observers.hostPteChanged.push((vpn, old, pte) => {
    if (
      pte_pfn(old) !== pte_pfn(pte) ||
      pte_present(old) !== pte_present(pte) ||
      (pte_write(old) && !pte_write(pte))
    )
      for (const gfn of look.gfnsOfVpn(vpn)) suspects.add(gfn);
  });

  function judge(gfn: number): Verdict {
    for (const l of look.leaves(gfn)) {
      // The suspicion of a new large mapping is about all of its frames.
      const end = l.gfn === gfn ? gfn + KVM_PAGES_PER_HPAGE(l.level) : gfn + 1;
      for (let g = gfn; g < end; g++) {
        const slot = look.slotOf(g);
        if (slot === undefined) continue;
        const problem = wrong(l, look.hostPte(slot, g), g);
        if (problem !== '')
          return {
            message: `${sayLeaf(look, l)} ${problem} (${sayPte(look, slot, g)})`,
            blame: [spteBlame(look, l.sptep), pteBlame(look, slot, g)],
          };
      }
    }
    return undefined;
  }
}

function sayPte(look: Look, slot: KvmMemorySlot, gfn: number): string {
  const pte = look.hostPte(slot, gfn);
  const what = pte_present(pte)
    ? `pfn ${hex(pte_pfn(pte))}${pte_write(pte) ? ' writable' : ' read-only'}`
    : 'not present';
  return `host pte of hva ${hex(look.vpn(slot, gfn) * 4096)}: ${what}`;
}
const pteBlame = (look: Look, slot: KvmMemorySlot, gfn: number) => ({
  what: `the host pte of hva ${hex(look.vpn(slot, gfn) * 4096)}`,
  obj: peek(peek(look.kvm, 'mm'), 'pgd'),
  slot: look.vpn(slot, gfn),
});

export const W4: Rule = {
  name: 'INV-W4',
  doc: 'An spte with SPTE_HOST_WRITEABLE maps a page that the host maps writable, unless a notifier for the page is under way.',
  when: 'lock',
  watch: (c) => {
    const { SPTE_HOST_WRITEABLE, shadow_dirty_mask } = c.kvm.bits;
    // Where the hardware has the bit for itself, it says nothing of the host.
    if (SPTE_HOST_WRITEABLE === shadow_dirty_mask) return;
    watchFrames(c, W4, (l, pte, gfn) =>
      (l.value & SPTE_HOST_WRITEABLE) === 0n || (pte_present(pte) && pte_write(pte))
        ? ''
        : `says that the host maps gfn ${hex(gfn)} writable, which it does not`,
    );
  },
};

export const N1: Rule = {
  name: 'INV-N1',
  doc: 'While no mmu notifier is under way, every leaf spte maps the frame that the host page table has for that page now.',
  when: 'lock',
  watch: (c) =>
    watchFrames(c, N1, (l, pte, gfn) => {
      const pfn = spte_to_pfn(l.value) + gfn - l.gfn;
      return pte_present(pte) && pte_pfn(pte) === pfn
        ? ''
        : `maps gfn ${hex(gfn)} to pfn ${hex(pfn)}, which is not where the host has the page`;
    }),
};
