/** Page faults that the hardware gives to the guest without an exit (specification, section 4). Not kernel code. */
import { event_step, type Step } from '../../../machine/index.js';
import { PFERR_FETCH_MASK } from '../fast_page_fault.js';
import type { Cpu } from '../structures/cpu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { is_smep } from './control_registers.js';
import type { GuestAccess } from './instruction.js';
import { look_at_guest } from './tables.js';
import { allowed, translate } from './translation.js';

/** The CPU gives the guest a page fault, and nobody else hears of it. */
export function page_fault_in_guest(vcpu: KvmVcpu, addr: number, error_code: number): void {
  vcpu.arch.cr2 = addr;
  vcpu.arch.exception.error_code = error_code;
}

/**
 * The guest gets a page fault. Its handler looks at its own tables, and where they allow the access it has nothing to do: it
 * returns, and the instruction is tried again.
 * @param error what the hardware says of the fault
 * @returns whether the fault is one that the guest has made itself: it ends the instruction
 */
export function* guest_page_fault(vcpu: KvmVcpu, c: Cpu, a: GuestAccess, error: number): Step<boolean> {
  const { kvm, arch } = vcpu;
  yield* event_step('gets a page fault', vcpu);
  // An interrupt that came first has thrown the instruction away: it starts again.
  if (c.guest !== vcpu) return false;
  kvm.emulator_stat.bypassed_pf++;
  for (const o of kvm.observers.guestFaulted) o(vcpu);
  const t = translate(vcpu, Math.floor(a.addr / 4096), (gpa, bytes) => look_at_guest(kvm, gpa, bytes));
  if (t !== undefined && allowed(vcpu, t, a)) return false;
  // A CPU that can forbid execution tells fetches from reads.
  page_fault_in_guest(vcpu, a.addr, arch.mmu.nx || is_smep(vcpu) ? error : error & ~PFERR_FETCH_MASK);
  return true;
}
