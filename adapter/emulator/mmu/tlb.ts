/** Requests to vCPUs, and the remote TLB flush that is built on them (specification, section 2.4). */
import { cmpxchg, fetch_and, fetch_or, READ_ONCE, type Step, smp_mb } from '../../machine/index.js';
import type { Kvm } from './structures/kvm.js';
import { KVM_REQ_MMU_RELOAD, KVM_REQ_TLB_FLUSH, type KvmVcpu } from './structures/vcpu.js';

/** Asks a vCPU to do something before it enters the guest again. */
export function* kvm_make_request(request: bigint, vcpu: KvmVcpu): Step<bigint> {
  const before = yield* fetch_or(vcpu, 'requests', request);
  if (request === KVM_REQ_TLB_FLUSH) for (const o of vcpu.kvm.observers.flushRequested) o(vcpu);
  return before;
}

/** Whether a vCPU was asked for something; it is not any more after that. */
export function* kvm_check_request(request: bigint, vcpu: KvmVcpu): Step<boolean> {
  if (((yield* READ_ONCE(vcpu, 'requests')) & request) === 0n) return false;
  yield* fetch_and(vcpu, 'requests', ~request);
  return true;
}

/**
 * Makes every vCPU drop its cached translations before it runs guest code again, and waits until none runs guest code with the
 * old ones or walks the tables. May be called with `mmu_lock` held.
 */
export function* kvm_flush_remote_tlbs(kvm: Kvm): Step<void> {
  const dirty_count = yield* READ_ONCE(kvm, 'tlbs_dirty');
  yield* smp_mb();
  if (yield* kvm.variant.ipi(kvm, KVM_REQ_TLB_FLUSH)) kvm.stat.remote_tlb_flush++;
  yield* cmpxchg(kvm, 'tlbs_dirty', dirty_count, 0);
}

/** Makes every vCPU drop its root tables. */
export function* kvm_reload_remote_mmus(kvm: Kvm): Step<void> {
  yield* kvm.variant.ipi(kvm, KVM_REQ_MMU_RELOAD);
}

/** Asks this vCPU for a flush of its own TLB. */
export function* kvm_mmu_flush_tlb(vcpu: KvmVcpu): Step<void> {
  vcpu.stat.tlb_flush++;
  yield* kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
}
