/** Running a vCPU: entry with its requests, exits and what they lead to (specification, sections 2.3 and 8). */
import {
  BUG_ON,
  event_step,
  machine,
  READ_ONCE,
  read64,
  type Step,
  smp_mb,
  WRITE_ONCE,
} from '../../machine/index.js';
import { is_last_spte, spte_to_pfn } from './bits.js';
import { nonpaging_page_fault, tdp_page_fault } from './direct_map.js';
import { HANDLE_MMIO_PAGE_FAULT, KVM_PAGE_FAULT } from './events.js';
import { PFERR_PRESENT_MASK, PFERR_RSVD_MASK, PFERR_WRITE_MASK } from './fast_page_fault.js';
import { vm_entry } from './hw/exit.js';
import { flush_tlb } from './hw/flush.js';
import { after_interrupt } from './hw/irq.js';
import { MISCONFIG } from './hw/walk.js';
import {
  shadow_entry,
  shadow_walk_init,
  walk_shadow_page_lockless_begin,
  walk_shadow_page_lockless_end,
} from './lockless_walk.js';
import { kvm_mmu_load, mmu_free_roots } from './mmu.js';
import { paging_page_fault, vcpu_cache_mmio_info } from './shadow/page_fault.js';
import { kvm_mmu_sync_roots } from './shadow/sync.js';
import type { Cpu } from './structures/cpu.js';
import {
  EXITING_GUEST_MODE,
  IN_GUEST_MODE,
  INVALID_PAGE,
  KVM_REQ_MMU_RELOAD,
  KVM_REQ_MMU_SYNC,
  KVM_REQ_TLB_FLUSH,
  type KvmVcpu,
  OUTSIDE_GUEST_MODE,
} from './structures/vcpu.js';
import { kvm_check_request } from './tlb.js';

/** The vCPU thread begins to look at memory slots. */
export function* vcpu_srcu_lock(vcpu: KvmVcpu): Step<void> {
  if (vcpu.in_srcu) return;
  yield* vcpu.kvm.variant.slots_lock.begin(vcpu);
  vcpu.in_srcu = true;
}

/** It does not look at them any more. */
export function* vcpu_srcu_unlock(vcpu: KvmVcpu): Step<void> {
  if (!vcpu.in_srcu) return;
  yield* vcpu.kvm.variant.slots_lock.end(vcpu);
  vcpu.in_srcu = false;
}

/** Drops what this vCPU has cached. */
function* tlb_flush(vcpu: KvmVcpu): Step<void> {
  const { bits, variant, observers } = vcpu.kvm;
  // What EPT has cached is tagged with the root; the format of AMD has a number for that.
  if (bits.format === 'ept') {
    if (variant.flush_root_check(vcpu.arch.mmu.root_hpa)) return;
    if (vcpu.arch.mmu.root_hpa === INVALID_PAGE)
      for (const o of observers.noRootUsed) o(vcpu, 'flushes what is tagged with its root');
  }
  yield* event_step('flushes the TLB', vcpu.tlb);
  flush_tlb(vcpu, 'request');
}

/** Does what other CPUs have asked this vCPU for. */
function* serve_requests(vcpu: KvmVcpu): Step<void> {
  if (yield* kvm_check_request(KVM_REQ_MMU_RELOAD, vcpu)) yield* mmu_free_roots(vcpu);
  // Nothing is ever unsync where the hardware translates by itself.
  if (!vcpu.kvm.tdp && (yield* kvm_check_request(KVM_REQ_MMU_SYNC, vcpu))) yield* kvm_mmu_sync_roots(vcpu);
  if (yield* kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) yield* tlb_flush(vcpu);
}

/** Enters guest mode, after everything that was asked of the vCPU has been done. */
export function* vcpu_enter_guest(vcpu: KvmVcpu, c: Cpu): Step<void> {
  yield* after_interrupt(c);
  yield* vcpu_srcu_lock(vcpu);
  for (;;) {
    if ((yield* READ_ONCE(vcpu, 'requests')) !== 0n) yield* serve_requests(vcpu);
    if (vcpu.arch.mmu.root_hpa === INVALID_PAGE) yield* kvm_mmu_load(vcpu);
    yield* WRITE_ONCE(vcpu, 'mode', IN_GUEST_MODE);
    yield* smp_mb();
    c.irqs_off = true;
    const mode = yield* READ_ONCE(vcpu, 'mode');
    const requests = yield* READ_ONCE(vcpu, 'requests');
    if (mode !== EXITING_GUEST_MODE && requests === 0n) break;
    yield* WRITE_ONCE(vcpu, 'mode', OUTSIDE_GUEST_MODE);
    c.irqs_off = false;
  }
  yield* vcpu_srcu_unlock(vcpu);
  vm_entry(vcpu, c);
}

/** What the host does after an exit, up to where it allows interrupts again. */
export function* vcpu_exit_guest(vcpu: KvmVcpu, c: Cpu): Step<void> {
  yield* WRITE_ONCE(vcpu, 'mode', OUTSIDE_GUEST_MODE);
  yield* smp_mb();
  c.irqs_off = false;
}

/** Recognises an address without memory by the entry that marks it. Returns whether to emulate the access. */
function* handle_mmio_page_fault_common(vcpu: KvmVcpu, addr: number): Step<boolean> {
  const { bits } = vcpu.kvm;
  const { direct_map } = vcpu.arch.mmu;
  if (!direct_map && vcpu.arch.mmio_gva !== 0 && vcpu.arch.mmio_gva === addr - (addr % 4096)) return true;
  yield* walk_shadow_page_lockless_begin(vcpu);
  let { table, level } = shadow_walk_init(vcpu, addr);
  let spte = 0n;
  for (; level > 0; level--) {
    spte = yield* read64(shadow_entry(table, addr, level));
    if (!bits.is_shadow_present_pte(spte) || is_last_spte(spte, level)) break;
    table = spte_to_pfn(spte) * 4096;
  }
  yield* walk_shadow_page_lockless_end(vcpu);
  if (bits.is_mmio_spte(spte)) {
    const access = Number(spte & 6n);
    const gfn = direct_map ? Math.floor(addr / 4096) : bits.mmio_gfn(spte);
    if (machine.wants(HANDLE_MMIO_PAGE_FAULT)) machine.emit(HANDLE_MMIO_PAGE_FAULT, [addr, gfn, access]);
    if (!direct_map) vcpu_cache_mmio_info(vcpu, addr, gfn, access);
    return true;
  }
  // Somebody has zapped the entry meanwhile; one that is there and still not well-formed is a bug of the kernel.
  BUG_ON(
    spte !== 0n && bits.is_shadow_present_pte(spte) && vcpu.kvm.bits.format === 'ept',
    `EPT misconfiguration at gpa 0x${addr.toString(16)}`,
  );
  vcpu.kvm.emulator_stat.exits_by_reason.retry_pf++;
  return false;
}

/** Handles a fault of the guest. Returns whether the access has to be emulated. */
export function* kvm_mmu_page_fault(vcpu: KvmVcpu, addr: number, fault: number): Step<boolean> {
  const { bits } = vcpu.kvm;
  const malformed = fault === MISCONFIG || (fault & PFERR_RSVD_MASK) !== 0;
  if (malformed && !bits.bypass_guest_pf) return yield* handle_mmio_page_fault_common(vcpu, addr);
  let error_code = bits.format === 'ept' ? fault & (PFERR_PRESENT_MASK | PFERR_WRITE_MASK) : fault;
  if (machine.wants(KVM_PAGE_FAULT)) machine.emit(KVM_PAGE_FAULT, [addr, error_code]);
  // The entry is there, to the hardware, and not well-formed: to KVM it maps nothing.
  if (malformed) error_code &= ~(PFERR_PRESENT_MASK | PFERR_RSVD_MASK);
  if (vcpu.kvm.tdp) return yield* tdp_page_fault(vcpu, addr, error_code);
  if (vcpu.arch.mmu.direct_map) return yield* nonpaging_page_fault(vcpu, addr, error_code);
  return yield* paging_page_fault(vcpu, addr, error_code);
}

/** Names of the exit of a fault. */
export function exit_reason(vcpu: KvmVcpu, fault: number): string {
  const { format } = vcpu.kvm.bits;
  if (format === 'shadow') return 'EXCEPTION_NMI';
  if (format === 'npt') return 'NPF';
  return fault === MISCONFIG ? 'EPT_MISCONFIG' : 'EPT_VIOLATION';
}
