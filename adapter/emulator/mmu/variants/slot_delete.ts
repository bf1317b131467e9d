/** What becomes of the mappings of a memory slot that is deleted. */
import type { Step } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import type { SwitchTable } from '../variant.js';
import { kvm_arch_flush_shadow } from '../zap.js';

function* nothing(): Step<void> {}

export const slot_delete: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether deleting a memory slot drops all shadow pages before the slot goes, or leaves what maps it.',
  values: { zap: kvm_arch_flush_shadow, 'no-zap': nothing },
};
