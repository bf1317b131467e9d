/** INV-H3: what nobody has written is not dirty. */
import { spte_to_pfn } from '../bits.js';
import { hex } from '../structures/pointer.js';
import { Ledger } from './ledger.js';
import type { Rule } from './rule.js';

export const H3: Rule = {
  name: 'INV-H3',
  doc: 'KVM does not tell the host that a page was written when nobody has stored to it. (Only where KVM goes by a D bit of the hardware: otherwise it has to assume it.)',
  when: 'step',
  watch: (c) => {
    const { look } = c;
    const dirty = c.kvm.bits.shadow_dirty_mask;
    if (dirty === 0n || c.kvm.variant.dirty_track.by_w) return;
    const { observers } = c.kvm;
    /** Frames that were written, or for which the hardware has noted a store that may still be to come. */
    const written = new Ledger<boolean>();
    const note = (pfn: number) => {
      if (!written.has(pfn)) written.put(pfn, true);
    };
    observers.guestStored.push((_v, _gpa, pfn) => note(pfn));
    observers.hostStored.push(note);
    c.sptes.onBits((_sptep, old, value) => {
      if (((old ^ value) & dirty) === 0n || (value & dirty) === 0n) return;
      // The hardware sets D in an entry that is there; an entry that comes with D has it from a page that was dirty before.
      const pfn = spte_to_pfn(value);
      const setByHardware = ((old ^ value) & ~(dirty | c.kvm.bits.shadow_accessed_mask)) === 0n;
      if (setByHardware || look.dirtyPage(pfn)) note(pfn);
    });
    observers.pfnDirty.push((pfn) => {
      const page = look.hostPage(pfn);
      if (page === undefined) return;
      const [first, count] = look.framesOf(page);
      for (let f = first; f < first + count; f++) if (written.has(f)) return;
      c.broken(H3, {
        message: `KVM has told the host that frame ${hex(pfn)} was written (kvm_set_pfn_dirty), but neither the guest nor the host has ever stored to it`,
        blame: [{ what: `page ${hex(pfn)}`, obj: page, slot: page.$slotOf('PageDirty') }],
      });
    });
    observers.frameFreed.push((pfn) => written.put(pfn, undefined));
  },
};
