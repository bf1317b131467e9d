/** What an emulated store tells the shadow pages. */
import type { Step } from '../../../machine/index.js';
import { kvm_read_guest_atomic } from '../guest/memory.js';
import type { Written } from '../shadow/pte_write.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';

/** A store of less than an entry of 4 bytes says nothing that could be installed. */
const part = (w: Written): boolean => w.bytes < 4;

function* passed(_kvm: Kvm, w: Written): Step<bigint> {
  return part(w) ? 0n : w.value;
}

/** Another store may have come since: what counts is what is there. */
function* reread(kvm: Kvm, w: Written): Step<bigint> {
  if (part(w)) return 0n;
  const bytes = w.bytes === 4 ? 4 : 8;
  return (yield* kvm_read_guest_atomic(kvm, w.gpa, bytes)) ?? 0n;
}

export const pte_write_value: SwitchTable<(kvm: Kvm, w: Written) => Step<bigint>> = {
  doc: 'Whether the shadow of an emulated store is made from the value that was stored, or from what is in guest memory when the lock is held.',
  values: { passed, reread },
};
