/** Entering and leaving guest mode, as far as the hardware does it. Called inside the step that does it. */
import { machine } from '../../../machine/index.js';
import { KVM_ENTRY, KVM_EXIT } from '../events.js';
import type { Cpu } from '../structures/cpu.js';
import type { KvmVcpu } from '../structures/vcpu.js';

/** The CPU runs guest code from now on; an interrupt makes it exit. */
export function vm_entry(vcpu: KvmVcpu, c: Cpu): void {
  if (machine.wants(KVM_ENTRY)) machine.emit(KVM_ENTRY, [vcpu.vcpu_id]);
  c.guest = vcpu;
  c.irqs_off = false;
  for (const o of vcpu.kvm.observers.guestEntered) o(vcpu);
}

/** The guest stops, and interrupts stay off until the host allows them. */
export function vm_exit(vcpu: KvmVcpu, c: Cpu, reason: string, info1: number, info2: number): void {
  c.guest = null;
  c.irqs_off = true;
  vcpu.stat.exits++;
  if (machine.wants(KVM_EXIT)) machine.emit(KVM_EXIT, [vcpu.vcpu_id, reason, info1, info2]);
}
