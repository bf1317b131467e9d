/** Mistakes in the use of lockless walks: kernels that never were. */
import { type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable, WalkEnd, WalkLock } from '../variant.js';

export const walk_end: SwitchTable<WalkEnd> = {
  doc: 'Whether the fast path ends its walk after its last access to an entry, or (wrongly) as soon as it has found the entry.',
  values: { ordered: 'last access', early: 'last read' },
};

/** Whoever holds the lock may be waiting for this CPU to take an interrupt, which the walk keeps off. */
function* take_mmu_lock(vcpu: KvmVcpu): Step<void> {
  yield* spin_lock(vcpu.kvm.mmu_lock);
}
function* release_mmu_lock(vcpu: KvmVcpu): Step<void> {
  yield* spin_unlock(vcpu.kvm.mmu_lock);
}

export const walk_lock: SwitchTable<WalkLock | null> = {
  doc: 'Whether the fast path changes the entry without `mmu_lock`, or (wrongly) takes it inside the walk.',
  values: {
    none: null,
    mmu_lock: { lock: take_mmu_lock, unlock: release_mmu_lock },
  },
};
