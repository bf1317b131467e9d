/** Mistakes in the use of lockless walks: kernels that never were. */
import { type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { walk_shadow_page_lockless_end } from '../lockless_walk.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable, WalkEnd } from '../variant.js';

function* nothing(): Step<void> {}

export const walk_end: SwitchTable<WalkEnd> = {
  doc: 'Whether the fast path ends its walk after its last access to an entry, or (wrongly) as soon as it has found the entry.',
  values: {
    ordered: { last_read: nothing, last_access: walk_shadow_page_lockless_end },
    early: { last_read: walk_shadow_page_lockless_end, last_access: nothing },
  },
};

type Fix = (vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint) => Step<boolean>;

function* without_lock(vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint): Step<boolean> {
  return yield* vcpu.kvm.variant.fpf_mark(vcpu, sp, sptep, spte);
}

/** Whoever holds the lock may be waiting for this CPU to take an interrupt, which the walk keeps off. */
function* with_lock(vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint): Step<boolean> {
  yield* spin_lock(vcpu.kvm.mmu_lock);
  const ret = yield* vcpu.kvm.variant.fpf_mark(vcpu, sp, sptep, spte);
  yield* spin_unlock(vcpu.kvm.mmu_lock);
  return ret;
}

export const walk_lock: SwitchTable<Fix> = {
  doc: 'Whether the fast path changes the entry without `mmu_lock`, or (wrongly) takes it inside the walk.',
  values: { none: without_lock, mmu_lock: with_lock },
};
