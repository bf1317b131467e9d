/** How a leaf spte is cleared. */
import { type Step, write64, xchg64 } from '../../../machine/index.js';
import { spte_has_volatile_bits } from '../spte.js';
import type { Kvm } from '../structures/kvm.js';
import type { ClearSpte, SwitchTable } from '../variant.js';

/** Exchanges the word when bits of it may change meanwhile. Returns the value that was cleared. */
function* xchg_if_volatile(kvm: Kvm, sptep: number, old: bigint, nonpresent: bigint): Step<bigint> {
  if (spte_has_volatile_bits(kvm, old)) return yield* xchg64(sptep, nonpresent);
  yield* write64(sptep, nonpresent);
  return old;
}

/** Judges by what was read, then writes: bits that the hardware sets in between are lost. */
function* plain(_kvm: Kvm, sptep: number, old: bigint, nonpresent: bigint): Step<bigint> {
  yield* write64(sptep, nonpresent);
  return old;
}

export const clear_spte: SwitchTable<ClearSpte> = {
  doc: 'How a leaf spte is cleared: by an atomic exchange where its bits may change meanwhile, or always by a test and a plain write.',
  values: { 'xchg-if-volatile': xchg_if_volatile, plain },
};
