/** INV-D2: no store to a logged page is missing from the reports. */
import { hex } from '../structures/pointer.js';
import { Ledger } from './ledger.js';
import { peek } from './look.js';
import type { Rule } from './rule.js';
import { bitmapBlame } from './say.js';

export const D2: Rule = {
  name: 'INV-D2',
  doc: 'Each store of a guest to a logged page, also an emulated one, is in a report that was delivered after it, or will be in the next one.',
  when: 'end',
  watch: (c) => {
    const { dirtyLog } = c;
    /** Frames with a store that no report has told of, and the step of the first one. */
    const owed = new Ledger<number>();
    const stored = (gpa: number) => {
      if (dirtyLog.slots().length === 0) return;
      const gfn = Math.floor(gpa / 4096);
      if (!owed.has(gfn) && dirtyLog.slotOf(gfn) !== undefined) owed.put(gfn, c.machine.steps);
    };
    c.kvm.observers.guestStored.push((_v, gpa) => stored(gpa));
    c.kvm.observers.emulatedStored.push((_v, gpa) => stored(gpa));
    dirtyLog.onReported((gfn) => owed.put(gfn, undefined));
    dirtyLog.onLogged((slot) => {
      const base = peek(slot, 'base_gfn');
      for (const gfn of owed.keys())
        if (gfn >= base && gfn < base + peek(slot, 'npages')) owed.put(gfn, undefined);
    });
    c.onEnd(() => {
      for (const gfn of owed.keys()) {
        const slot = dirtyLog.slotOf(gfn);
        if (slot === undefined || dirtyLog.covers(slot, gfn)) continue;
        c.broken(D2, {
          message: `the store to gfn ${hex(gfn)} at step ${owed.get(gfn)} is lost: no report since then has the page, and bit ${gfn - peek(slot, 'base_gfn')} of the dirty bitmap of slot ${peek(slot, 'id')} is clear`,
          blame: [bitmapBlame(slot, gfn)],
        });
        return;
      }
    });
  },
};
