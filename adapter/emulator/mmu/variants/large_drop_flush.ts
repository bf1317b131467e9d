/** A large spte that must go because a guest table lies in its frame by now (A-10 of the specification). */
import type { Step } from '../../../machine/index.js';
import { drop_large_spte, drop_spte } from '../spte.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** The caller flushes this vCPU, and nobody else. */
function* drop_only({ kvm }: KvmVcpu, sptep: number): Step<void> {
  yield* drop_spte(kvm, sptep);
}

export const large_drop_flush: SwitchTable<(vcpu: KvmVcpu, sptep: number) => Step<void>> = {
  doc: 'Who flushes when a fault finds under the lock that a frame can no more be mapped large, and drops the large spte that is there: the vCPU that has faulted, or all (and then the spte is also taken off `lpages`).',
  values: { local: drop_only, remote: drop_large_spte },
};
