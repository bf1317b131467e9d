/** KVM does what an instruction of the guest was to do (specification, section 7.1). */
import type { Step } from '../../../machine/index.js';
import { mark_page_dirty } from '../dirty.js';
import { PFERR_FETCH_MASK, PFERR_USER_MASK, PFERR_WRITE_MASK } from '../fast_page_fault.js';
import { inject_page_fault } from '../shadow/page_fault.js';
import { kvm_mmu_pte_write, kvm_mmu_unprotect_page } from '../shadow/pte_write.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { guest_format, guest_is_paged } from './init_mmu.js';
import type { GuestAccess } from './instruction.js';
import { gpa_to_hva, kvm_read_guest, kvm_write_guest } from './memory.js';
import { count_pt_store } from './stores.js';
import { walk_addr } from './walk_addr.js';

/** How an emulation has ended. */
export type Emulated =
  /** The instruction is done; `value` is what it loaded. */
  | { readonly done: true; readonly value: bigint | undefined }
  /** The guest has to try again, or has got a page fault. */
  | { readonly done: false };
const AGAIN: Emulated = { done: false };

/** The guest physical address of an access; -1 when the guest gets a page fault instead. */
function* gva_to_gpa(vcpu: KvmVcpu, a: GuestAccess): Step<number> {
  if (!guest_is_paged(vcpu)) return a.addr;
  const pferr =
    (a.what === 'stores' || a.what === 'compares and exchanges' ? PFERR_WRITE_MASK : 0) |
    (a.what === 'fetches' ? PFERR_FETCH_MASK : 0) |
    (a.cpl === 3 ? PFERR_USER_MASK : 0);
  const w = yield* walk_addr(vcpu, guest_format(vcpu), a.addr, pferr);
  if (w.fault < 0) return w.gfn * 4096 + (a.addr % 4096);
  inject_page_fault(vcpu, a.addr, w.fault);
  return -1;
}

/** Userspace emulates an access to an address that no slot has: it reads as 0 and keeps nothing. */
function mmio(vcpu: KvmVcpu, a: GuestAccess): Emulated {
  vcpu.stat.mmio_exits++;
  vcpu.kvm.emulator_stat.exits_by_reason.mmio++;
  const loads = a.what === 'loads' || a.what === 'compares and exchanges';
  return { done: true, value: loads ? 0n : undefined };
}

/** Stores, and tells the dirty log and the shadow pages. In between the entry of a guest table is new and its shadow still old. */
export function* emulator_write_phys(vcpu: KvmVcpu, gpa: number, value: bigint, bytes: number): Step<void> {
  const { kvm } = vcpu;
  const pfn = yield* kvm_write_guest(kvm, gpa, value, bytes);
  for (const o of kvm.observers.emulatedStored) o(vcpu, gpa, pfn);
  yield* mark_page_dirty(kvm, Math.floor(gpa / 4096));
  yield* kvm_mmu_pte_write(vcpu, { gpa, value, bytes });
  for (const o of kvm.observers.emulatedSeen) o(vcpu);
}

function* emulator_cmpxchg_emulated(vcpu: KvmVcpu, gpa: number, a: GuestAccess): Step<Emulated> {
  const { kvm } = vcpu;
  const seen = yield* kvm.variant.emul_cmpxchg(vcpu, gpa, a);
  if (seen === a.old) {
    for (const o of kvm.observers.emulatedStored) o(vcpu, gpa, -1);
    yield* mark_page_dirty(kvm, Math.floor(gpa / 4096));
    yield* kvm_mmu_pte_write(vcpu, { gpa, value: a.value, bytes: a.bytes });
    for (const o of kvm.observers.emulatedSeen) o(vcpu);
  }
  return { done: true, value: seen };
}

/**
 * Emulates an instruction whose fault could not be fixed. One that does not normally write page tables gets the shadow of the table
 * dropped and is tried again, once.
 */
export function* x86_emulate_instruction(vcpu: KvmVcpu, a: GuestAccess, retried: boolean): Step<Emulated> {
  const gpa = yield* gva_to_gpa(vcpu, a);
  if (gpa < 0) return AGAIN;
  if (gpa_to_hva(vcpu.kvm, gpa) < 0) return mmio(vcpu, a);
  const { exits_by_reason } = vcpu.kvm.emulator_stat;
  if (!a.page_table && !retried) {
    exits_by_reason.unprotected_pt++;
    yield* kvm_mmu_unprotect_page(vcpu.kvm, Math.floor(gpa / 4096));
    return AGAIN;
  }
  exits_by_reason.emulated_pt++;
  count_pt_store(vcpu.kvm, a, gpa);
  if (a.what === 'stores') {
    yield* emulator_write_phys(vcpu, gpa, a.value, a.bytes);
    return { done: true, value: undefined };
  }
  if (a.what === 'compares and exchanges') return yield* emulator_cmpxchg_emulated(vcpu, gpa, a);
  const value = yield* kvm_read_guest(vcpu.kvm, gpa, a.bytes);
  return { done: true, value: a.what === 'loads' ? value : undefined };
}
