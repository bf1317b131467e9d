/** Ageing where the hardware notes no accesses (specification, section 10.3). */
import type { Cell, Step } from '../../../machine/index.js';
import { kvm_unmap_rmapp } from '../notifier.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

/** Nobody knows, so the answer is no. */
function* always_old(): Step<boolean> {
  return false;
}

export const age_without_a: SwitchTable<(kvm: Kvm, rmapp: Cell) => Step<boolean>> = {
  doc: 'What ageing does where the hardware has no accessed bit: a mapping counts as used and is removed, so that the next use shows, or every page counts as unused. Not used with `fpf: acc-track`, which makes the mapping unreadable instead.',
  values: { unmap: kvm_unmap_rmapp, old: always_old },
};
