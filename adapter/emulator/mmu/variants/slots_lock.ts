/** What keeps memory slots in place for those who look at them (specification, section 5 and Annex B). */
import { down_read, Lock, RwSemaphore, type Step, up_read } from '../../../machine/index.js';
import { srcu_read_lock, srcu_read_unlock } from '../srcu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** How a vCPU may look at slots while it is in host mode, and whoever changes them may not. */
export interface SlotsLock {
  /** `kvm->slots_lock`. Changes of slots and harvests take it as a mutex, or for writing. */
  create(): Lock;
  /** The vCPU comes into host mode. */
  begin(vcpu: KvmVcpu): Step<void>;
  /** It leaves host mode. */
  end(vcpu: KvmVcpu): Step<void>;
}

const srcu: SlotsLock = {
  create: () => new Lock('slots_lock', 'mutex', 'kvm->slots_lock'),
  *begin(vcpu: KvmVcpu): Step<void> {
    vcpu.srcu_idx = srcu_read_lock(vcpu.kvm.srcu);
  },
  *end(vcpu: KvmVcpu): Step<void> {
    srcu_read_unlock(vcpu.kvm.srcu, vcpu.srcu_idx);
  },
};

const rwsem: SlotsLock = {
  create: () => new RwSemaphore('slots_lock', 'kvm->slots_lock'),
  *begin(vcpu: KvmVcpu): Step<void> {
    yield* down_read(vcpu.kvm.slots_lock as RwSemaphore);
  },
  *end(vcpu: KvmVcpu): Step<void> {
    yield* up_read(vcpu.kvm.slots_lock as RwSemaphore);
  },
};

export const slots_lock: SwitchTable<SlotsLock> = {
  doc: 'What keeps memory slots in place while a vCPU is in host mode: a read section of `kvm.srcu`, or (2008) `slots_lock` itself, a semaphore that every vCPU holds for reading there: a change of slots, or a harvest, then waits until no vCPU is in host mode, and keeps them out of it.',
  values: { srcu, rwsem },
};
