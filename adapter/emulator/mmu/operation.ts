/**
 * Beginning and end of everything that a scenario starts here. The kernel is not preempted: while one thread is inside on a CPU,
 * others of that CPU wait. What is in guest mode there leaves it, unless it is what the operation is about.
 */
import { current, type Step, WRITE_ONCE, wait_until } from '../../machine/index.js';
import { UsageError } from '../subsystem.js';
import { vm_exit } from './hw/exit.js';
import { after_interrupt } from './hw/irq.js';
import { type Cpu, cpu } from './structures/cpu.js';
import type { Kvm } from './structures/kvm.js';
import { KVM_REQ_TLB_FLUSH, type KvmVcpu } from './structures/vcpu.js';
import { kvm_make_request } from './tlb.js';
import { vcpu_exit_guest } from './x86.js';

const CURR = cpu.slot('curr');

/** The running thread comes into the kernel on a CPU. */
function* claim(kvm: Kvm, c: Cpu | null): Step<void> {
  if (c !== null) {
    if (c.curr !== null)
      yield* wait_until(
        `cpu ${c.id}, where thread ${c.curr.name} is in the kernel`,
        () => c.$get(CURR) === null,
        c,
        CURR,
      );
    c.curr = current;
    yield* after_interrupt(c);
  }
  for (const o of kvm.observers.operationBegun) o(current);
}

/** The running thread leaves the kernel. */
export function operation_end(kvm: Kvm, c: Cpu | null): void {
  if (c !== null) c.curr = null;
  const { operationEnded } = kvm.observers;
  for (let i = 0; i < operationEnded.length; i++) operationEnded[i]?.(current);
}

/** Makes the guest that runs on a CPU exit because the host wants to run. */
function* leave_guest(vcpu: KvmVcpu, c: Cpu): Step<void> {
  vm_exit(vcpu, c, 'EXTERNAL_INTERRUPT', 0, 0);
  vcpu.kvm.emulator_stat.exits_by_reason.host++;
  yield* vcpu_exit_guest(vcpu, c);
}

/** Begins an operation of the host. Returns the CPU that it is on; null for one that is on none. */
export function* host_begin(kvm: Kvm): Step<Cpu | null> {
  const n = current.cpu;
  const c = n >= 0 && n < kvm.cpus.length ? kvm.cpus.at(n) : null;
  yield* claim(kvm, c);
  if (c !== null && c.guest !== null) yield* leave_guest(c.guest, c);
  return c;
}

/** The CPU on which the running thread drives a vCPU. */
function cpuFor(vcpu: KvmVcpu): Cpu {
  const { kvm } = vcpu;
  const n = current.cpu >= 0 ? current.cpu : vcpu.vcpu_id;
  if (n < kvm.cpus.length) return kvm.cpus.at(n);
  throw new UsageError(
    `vcpu[${vcpu.vcpu_id}] cannot run on cpu ${n}: there are ${kvm.cpus.length} CPUs that can run guests; write \`use mmu { cpus: ${n + 1} }\``,
  );
}

/** The CPU that a vCPU runs guest code on, if the running thread can go on with it at once; otherwise null. */
export function vcpu_ready(vcpu: KvmVcpu): Cpu | null {
  const n = current.cpu >= 0 ? current.cpu : vcpu.vcpu_id;
  if (n >= vcpu.kvm.cpus.length) return null;
  const c = vcpu.kvm.cpus.at(n);
  if (c.guest !== vcpu || c.curr !== null || vcpu.thread !== null) return null;
  c.curr = current;
  vcpu.thread = current;
  const { operationBegun } = vcpu.kvm.observers;
  for (let i = 0; i < operationBegun.length; i++) operationBegun[i]?.(current);
  return c;
}

/** Begins an operation of a vCPU: loads it on the CPU of the running thread. Throws `UsageError` when it runs elsewhere. */
export function* vcpu_load(vcpu: KvmVcpu): Step<Cpu> {
  const { kvm } = vcpu;
  if (vcpu.thread !== null && vcpu.thread !== current)
    throw new UsageError(
      `vcpu[${vcpu.vcpu_id}] is already running in thread ${vcpu.thread.name}: one thread at a time can drive a vCPU`,
    );
  const c = cpuFor(vcpu);
  vcpu.thread = current;
  yield* claim(kvm, c);
  if (vcpu.cpu >= 0) yield* after_interrupt(kvm.cpus.at(vcpu.cpu));
  if (c.guest !== null && c.guest !== vcpu) yield* leave_guest(c.guest, c);
  if (vcpu.cpu !== c.id) yield* vcpu_migrate(vcpu, c);
  return c;
}

/** Moves a vCPU to another CPU; what it has cached on the old one is of no use there. */
function* vcpu_migrate(vcpu: KvmVcpu, c: Cpu): Step<void> {
  const before = vcpu.cpu;
  if (before >= 0) {
    const old = vcpu.kvm.cpus.at(before);
    if (old.guest === vcpu) yield* leave_guest(vcpu, old);
    yield* kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
  }
  yield* WRITE_ONCE(vcpu, 'cpu', c.id);
}

/** Ends an operation of a vCPU, which stays where it is: in guest mode, if it was. */
export function vcpu_end(vcpu: KvmVcpu, c: Cpu): void {
  vcpu.thread = null;
  operation_end(vcpu.kvm, c);
}
