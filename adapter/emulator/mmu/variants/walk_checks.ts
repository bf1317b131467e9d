/** What stops a walk of shadow tables by software (D-16 of the specification). */
import { Fault } from '../../../machine/index.js';
import { is_large_pte, spte_to_pfn } from '../bits.js';
import type { WalkStart } from '../lockless_walk.js';
import type { Kvm } from '../structures/kvm.js';
import { hex } from '../structures/pointer.js';
import type { SwitchTable } from '../variant.js';

/** A walk goes on in a frame that is no shadow page. Who takes its words for sptes follows pointers that are none. */
function astray(kvm: Kvm, pfn: number, what: string): never {
  for (const o of kvm.observers.wentAstray) o(pfn, what);
  throw new Fault(
    'panic',
    'page_header',
    `the kernel walks through ${what} into frame ${hex(pfn)}, which is no shadow page`,
  );
}

export const walk_large: SwitchTable<(kvm: Kvm, spte: bigint) => boolean> = {
  doc: 'Whether INVLPG and the search for unsync pages stop at an spte that maps a large page, or take the page for a table.',
  values: {
    yes: (_kvm, spte) => is_large_pte(spte),
    no: (kvm, spte) => (is_large_pte(spte) ? astray(kvm, spte_to_pfn(spte), 'a large spte') : false),
  },
};

const NOWHERE: WalkStart = { table: 0, level: 0 };

export const walk_pdptr: SwitchTable<(kvm: Kvm) => WalkStart> = {
  doc: 'Whether a walk that begins at one of the four roots of a PAE guest sees that there is none, or begins at physical address 0.',
  values: { yes: () => NOWHERE, no: (kvm) => astray(kvm, 0, 'an absent root') },
};
