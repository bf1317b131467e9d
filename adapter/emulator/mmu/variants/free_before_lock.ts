/** When a fault makes room for the shadow pages that it will need. */
import { type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import type { MakeRoom, SwitchTable } from '../variant.js';
import { kvm_mmu_free_some_pages } from '../zap.js';

function* nothing(): Step<void> {}

/** Room that is made here may be gone when the fault has the lock again. */
function* free_and_unlock(kvm: Kvm): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_free_some_pages(kvm);
  yield* spin_unlock(kvm.mmu_lock);
}

export const free_before_lock: SwitchTable<MakeRoom> = {
  doc: 'Whether a fault reclaims shadow pages in a locked section of its own, before that in which it allocates, or in the same.',
  values: {
    no: { unlocked: nothing, locked: kvm_mmu_free_some_pages },
    yes: { unlocked: free_and_unlock, locked: nothing },
  },
};
