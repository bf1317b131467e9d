/** Instructions of the guest that change how its addresses are translated (specification, section 7.2): nearly each is an exit. */
import type { Step } from '../../../machine/index.js';
import { vm_exit } from '../hw/exit.js';
import { mmu_free_roots } from '../mmu.js';
import { vcpu_end, vcpu_load, vcpu_ready } from '../operation.js';
import { kvm_mmu_invlpg } from '../shadow/invlpg.js';
import { kvm_mmu_sync_roots } from '../shadow/sync.js';
import type { Cpu } from '../structures/cpu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_mmu_flush_tlb } from '../tlb.js';
import { vcpu_enter_guest, vcpu_exit_guest, vcpu_srcu_lock } from '../x86.js';
import {
  EFER_LMA,
  EFER_LME,
  EFER_NX,
  has,
  is_long_mode,
  is_pae,
  is_pae_paging,
  is_paging,
  X86_CR0_CD,
  X86_CR0_NW,
  X86_CR0_PG,
  X86_CR0_WP,
  X86_CR4_PAE,
  X86_CR4_PGE,
  X86_CR4_PSE,
  X86_CR4_SMEP,
} from './control_registers.js';
import { exits_for_cr3, exits_for_invlpg, hw_invlpg, hw_set_cr3 } from './direct_control.js';
import { kvm_mmu_reset_context } from './init_mmu.js';
import { general_protection, load_pdptrs } from './pdptrs.js';

/** The guest runs an instruction that is an exit, and is counted as such. */
export function* exit_begin(
  vcpu: KvmVcpu,
  reason: string,
  counter: 'cr3' | 'cr0_cr4' | 'invlpg' | 'msr' | 'hypercall',
): Step<Cpu> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  while (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
  vm_exit(vcpu, c, reason, 0, 0);
  vcpu.kvm.emulator_stat.exits_by_reason[counter]++;
  yield* vcpu_exit_guest(vcpu, c);
  yield* vcpu_srcu_lock(vcpu);
  return c;
}

/** The instruction makes the CPU forget translations, by the architecture: all, with global ones or without, or those of one page. */
export function flushes(vcpu: KvmVcpu, vpn: number | null, global = true): void {
  for (const o of vcpu.kvm.observers.guestFlushes) o(vcpu, vpn, global);
}

/** The guest goes on. */
export function* exit_end(vcpu: KvmVcpu, c: Cpu): Step<void> {
  while (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
  vcpu_end(vcpu, c);
}

/** The guest loads cr3: another value is another root, and the same one flushes its TLB. */
function* kvm_set_cr3(vcpu: KvmVcpu, cr3: number): Step<void> {
  const pdptrs_changed = is_pae_paging(vcpu) && (yield* load_pdptrs(vcpu, cr3));
  if (cr3 === vcpu.arch.cr3 && !pdptrs_changed) {
    yield* kvm_mmu_sync_roots(vcpu);
    yield* kvm_mmu_flush_tlb(vcpu);
    return;
  }
  vcpu.arch.cr3 = cr3;
  if (vcpu.arch.mmu.direct_map) yield* vcpu.kvm.variant.direct_new_cr3(vcpu);
  else yield* mmu_free_roots(vcpu);
}

const CR0_MMU = X86_CR0_PG + X86_CR0_WP + X86_CR0_CD + X86_CR0_NW;

/** The guest loads cr0. Turning paging on enters long mode where EFER.LME says so. */
function* kvm_set_cr0(vcpu: KvmVcpu, cr0: number): Step<void> {
  const { arch } = vcpu;
  const changed = (BigInt(arch.cr0) ^ BigInt(cr0)) & BigInt(CR0_MMU);
  const paging = has(cr0, X86_CR0_PG);
  if (paging && has(arch.efer, EFER_LME) && !is_pae(vcpu))
    throw general_protection(vcpu, 'cr0.PG is set with EFER.LME and without CR4.PAE');
  if ((changed & BigInt(X86_CR0_PG)) !== 0n) flushes(vcpu, null);
  arch.cr0 = cr0;
  const lma = paging && has(arch.efer, EFER_LME);
  const efer = lma ? arch.efer | EFER_LMA : arch.efer & ~EFER_LMA;
  if (efer !== arch.efer) arch.efer = efer;
  if (is_pae_paging(vcpu) && (changed & BigInt(X86_CR0_PG)) !== 0n) yield* load_pdptrs(vcpu, arch.cr3);
  if (vcpu.kvm.variant.oos.sync_global !== null) yield* vcpu.kvm.variant.oos.sync_global(vcpu);
  if (changed !== 0n) yield* kvm_mmu_reset_context(vcpu);
}

const CR4_MMU = X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_SMEP;

/** The guest loads cr4. */
function* kvm_set_cr4(vcpu: KvmVcpu, cr4: number): Step<void> {
  const changed = (vcpu.arch.cr4 ^ cr4) & CR4_MMU;
  if (is_long_mode(vcpu) && !has(cr4, X86_CR4_PAE))
    throw general_protection(vcpu, 'CR4.PAE is cleared in long mode');
  if (changed !== 0) flushes(vcpu, null);
  vcpu.arch.cr4 = cr4;
  if (is_pae_paging(vcpu) && changed !== 0) yield* load_pdptrs(vcpu, vcpu.arch.cr3);
  if (vcpu.kvm.variant.oos.sync_global !== null) yield* vcpu.kvm.variant.oos.sync_global(vcpu);
  if (changed !== 0) yield* kvm_mmu_reset_context(vcpu);
}

/**
 * The guest loads a control register. With `emulated` KVM does so for it, because the guest is in a state in which the hardware
 * cannot run it.
 */
export function* guest_set_cr3(vcpu: KvmVcpu, cr3: number, emulated = false): Step<void> {
  if (!emulated && !exits_for_cr3(vcpu)) return yield* hw_set_cr3(vcpu, cr3);
  const c = yield* exit_begin(vcpu, emulated ? 'INVALID_STATE' : 'CR_ACCESS', 'cr3');
  flushes(vcpu, null, !has(vcpu.arch.cr4, X86_CR4_PGE));
  yield* kvm_set_cr3(vcpu, cr3);
  yield* exit_end(vcpu, c);
}
export function* guest_set_cr0(vcpu: KvmVcpu, cr0: number): Step<void> {
  const c = yield* exit_begin(vcpu, 'CR_ACCESS', 'cr0_cr4');
  yield* kvm_set_cr0(vcpu, cr0);
  yield* exit_end(vcpu, c);
}
export function* guest_set_cr4(vcpu: KvmVcpu, cr4: number): Step<void> {
  const c = yield* exit_begin(vcpu, 'CR_ACCESS', 'cr0_cr4');
  yield* kvm_set_cr4(vcpu, cr4);
  yield* exit_end(vcpu, c);
}

/** The guest turns EFER.NX or EFER.LME on or off. */
export function* guest_set_efer(
  vcpu: KvmVcpu,
  bit: typeof EFER_NX | typeof EFER_LME,
  on: boolean,
): Step<void> {
  const c = yield* exit_begin(vcpu, 'MSR_WRITE', 'msr');
  const efer = on ? vcpu.arch.efer | bit : vcpu.arch.efer & ~bit;
  if (bit === EFER_LME && is_paging(vcpu) && efer !== vcpu.arch.efer)
    throw general_protection(vcpu, 'EFER.LME is changed while paging is on');
  const changed = (vcpu.arch.efer ^ efer) & EFER_NX;
  vcpu.arch.efer = efer;
  if (changed !== 0) yield* kvm_mmu_reset_context(vcpu);
  yield* exit_end(vcpu, c);
}

/** The guest drops one translation from its TLB. */
export function* guest_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  if (!exits_for_invlpg(vcpu)) return yield* hw_invlpg(vcpu, gva);
  const c = yield* exit_begin(vcpu, 'INVLPG', 'invlpg');
  flushes(vcpu, Math.floor(gva / 4096));
  yield* kvm_mmu_invlpg(vcpu, gva);
  yield* exit_end(vcpu, c);
}
