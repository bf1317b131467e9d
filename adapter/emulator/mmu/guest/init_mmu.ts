/** How a vCPU translates, as its control registers say (specification, section 1). */
import type { Step } from '../../../machine/index.js';
import { PT32_ROOT_LEVEL, PT32E_ROOT_LEVEL, PT64_ROOT_LEVEL } from '../bits.js';
import { mmu_free_roots } from '../mmu.js';
import { ROLE_CR0_WP, ROLE_CR4_PAE, ROLE_NXE, ROLE_SMEP_ANDNOT_WP } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import {
  is_long_mode,
  is_nx,
  is_pae,
  is_paging,
  is_pse,
  is_smep,
  is_write_protection,
} from './control_registers.js';
import { type GuestFormat, PT32, PT64 } from './gpte.js';

/** Level of the root of the guest's tables; 0 without paging. */
function guest_root_level(vcpu: KvmVcpu): number {
  if (!is_paging(vcpu)) return 0;
  if (is_long_mode(vcpu)) return PT64_ROOT_LEVEL;
  return is_pae(vcpu) ? PT32E_ROOT_LEVEL : PT32_ROOT_LEVEL;
}

/** Role bits of all shadow pages that a vCPU makes. Tables of the hardware's own translation have none. */
function base_role(vcpu: KvmVcpu): number {
  const wp = is_write_protection(vcpu);
  const noted =
    (is_pae(vcpu) ? ROLE_CR4_PAE : 0) |
    (is_nx(vcpu) ? ROLE_NXE : 0) |
    (wp ? ROLE_CR0_WP : 0) |
    (is_smep(vcpu) && !wp ? ROLE_SMEP_ANDNOT_WP : 0);
  return noted & vcpu.kvm.variant.role_bits;
}

/** Whether a vCPU has page tables of its own, shadowed or not. */
export const guest_is_paged = (vcpu: KvmVcpu): boolean => vcpu.arch.mmu.root_level > 0;

/** Sets the MMU of a vCPU up for its control registers. The vCPU has no root. */
export function init_kvm_mmu(vcpu: KvmVcpu): void {
  const { mmu } = vcpu.arch;
  mmu.root_level = guest_root_level(vcpu);
  // Entries of 4 bytes have no such bit, whatever EFER says.
  mmu.nx = mmu.root_level > PT32_ROOT_LEVEL && is_nx(vcpu);
  if (vcpu.kvm.tdp) return;
  mmu.direct_map = mmu.root_level === 0;
  mmu.shadow_root_level = mmu.root_level === PT64_ROOT_LEVEL ? PT64_ROOT_LEVEL : PT32E_ROOT_LEVEL;
  mmu.base_role = base_role(vcpu);
}

/** Drops the roots of a vCPU and sets its MMU up anew, after a control register has changed. */
export function* kvm_mmu_reset_context(vcpu: KvmVcpu): Step<void> {
  yield* mmu_free_roots(vcpu);
  init_kvm_mmu(vcpu);
}

/** How the guest's tables look. */
export const guest_format = (vcpu: KvmVcpu): GuestFormat => ({
  type: vcpu.arch.mmu.root_level === PT32_ROOT_LEVEL ? PT32 : PT64,
  root_level: vcpu.arch.mmu.root_level,
  nx: vcpu.arch.mmu.nx,
  pse: is_pse(vcpu),
});
