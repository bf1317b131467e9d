/** How a request is brought to all vCPUs (specification, section 2.4). */
import { cmpxchg, READ_ONCE, type Step, smp_mb, spin_lock, spin_unlock } from '../../../machine/index.js';
import { smp_call_function_many, smp_processor_id } from '../smp.js';
import type { Kvm } from '../structures/kvm.js';
import { EXITING_GUEST_MODE, IN_GUEST_MODE, OUTSIDE_GUEST_MODE } from '../structures/vcpu.js';
import { kvm_make_request } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

/** Base: interrupts those that are in guest mode or walk the tables, whoever has asked them before. Returns whether any was. */
function* make_all_cpus_request(kvm: Kvm, request: bigint): Step<boolean> {
  const me = smp_processor_id(kvm);
  const cpus: number[] = [];
  for (let i = 0; i < kvm.vcpus.length; i++) {
    const vcpu = kvm.vcpus.at(i);
    yield* kvm_make_request(request, vcpu);
    const cpu = yield* READ_ONCE(vcpu, 'cpu');
    yield* smp_mb();
    if (cpu === -1 || cpu === me) continue;
    const mode = yield* cmpxchg(vcpu, 'mode', IN_GUEST_MODE, EXITING_GUEST_MODE);
    if (mode !== OUTSIDE_GUEST_MODE && !cpus.includes(cpu)) cpus.push(cpu);
  }
  if (cpus.length === 0) return false;
  yield* smp_call_function_many(kvm, cpus);
  return true;
}

/** Before there was a mode: a vCPU whose bit is set already is left to whoever has set it. */
function* make_all_cpus_request_dedupe(kvm: Kvm, request: bigint): Step<boolean> {
  const me = smp_processor_id(kvm);
  const cpus: number[] = [];
  for (let i = 0; i < kvm.vcpus.length; i++) {
    const vcpu = kvm.vcpus.at(i);
    const before = yield* kvm_make_request(request, vcpu);
    if ((before & request) !== 0n) continue;
    const cpu = yield* READ_ONCE(vcpu, 'cpu');
    if (cpu !== -1 && cpu !== me && !cpus.includes(cpu)) cpus.push(cpu);
  }
  if (cpus.length === 0) return false;
  yield* smp_call_function_many(kvm, cpus);
  return true;
}

/** The same under a lock, so that nobody finds a bit set whose interrupt has not been handled. */
function* make_all_cpus_request_locked(kvm: Kvm, request: bigint): Step<boolean> {
  yield* spin_lock(kvm.requests_lock);
  const sent = yield* make_all_cpus_request_dedupe(kvm, request);
  yield* spin_unlock(kvm.requests_lock);
  return sent;
}

export const ipi: SwitchTable<(kvm: Kvm, request: bigint) => Step<boolean>> = {
  doc: 'Who is interrupted when all vCPUs must flush: each that is in guest mode, or only those whose request bit was not set yet (with or without a lock around it).',
  values: {
    mode: make_all_cpus_request,
    dedupe: make_all_cpus_request_dedupe,
    'dedupe-locked': make_all_cpus_request_locked,
  },
};
