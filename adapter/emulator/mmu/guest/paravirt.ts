/** Hypercalls of 2008 for guests that know that they run on KVM (`KVM_HC_MMU_OP`; specification, section 7 and Annex B). */
import type { Step } from '../../../machine/index.js';
import { kvm_mmu_unprotect_page } from '../shadow/pte_write.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_mmu_flush_tlb } from '../tlb.js';
import { exit_begin, exit_end, flushes } from './control.js';
import { emulator_write_phys } from './emulate.js';
import { guest_format } from './init_mmu.js';

/** `KVM_MMU_OP_FLUSH_TLB`: the guest flushes its TLB. */
export function* guest_pv_flush(vcpu: KvmVcpu): Step<void> {
  const c = yield* exit_begin(vcpu, 'VMCALL', 'hypercall');
  flushes(vcpu, null);
  yield* vcpu.kvm.variant.pv_flush_sync(vcpu);
  yield* kvm_mmu_flush_tlb(vcpu);
  yield* exit_end(vcpu, c);
}

/** `KVM_MMU_OP_WRITE_PTE`: the guest stores an entry of a page table, at a guest physical address. */
export function* guest_pv_write_pte(vcpu: KvmVcpu, gpa: number, gpte: bigint): Step<void> {
  const c = yield* exit_begin(vcpu, 'VMCALL', 'hypercall');
  yield* emulator_write_phys(vcpu, gpa, gpte, guest_format(vcpu).type.bytes);
  yield* exit_end(vcpu, c);
}

/** `KVM_MMU_OP_RELEASE_PT`: a page is no page table any more. */
export function* guest_pv_release_pt(vcpu: KvmVcpu, gpa: number): Step<void> {
  const c = yield* exit_begin(vcpu, 'VMCALL', 'hypercall');
  yield* kvm_mmu_unprotect_page(vcpu.kvm, Math.floor(gpa / 4096));
  yield* exit_end(vcpu, c);
}
