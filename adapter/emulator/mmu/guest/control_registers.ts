/** Control registers of a vCPU, as far as paging looks at them. */
import type { KvmVcpu } from '../structures/vcpu.js';

export const X86_CR0_PE = 1 << 0;
export const X86_CR0_WP = 1 << 16;
export const X86_CR0_NW = 1 << 29;
export const X86_CR0_CD = 1 << 30;
export const X86_CR0_PG = 2 ** 31;
export const X86_CR4_PSE = 1 << 4;
export const X86_CR4_PAE = 1 << 5;
export const X86_CR4_PGE = 1 << 7;
export const X86_CR4_SMEP = 1 << 20;
export const EFER_LMA = 1 << 10;
export const EFER_LME = 1 << 8;
export const EFER_NX = 1 << 11;

/** Whether a register (at most 53 bits) has one of the bits of `mask`. */
export const has = (register: number, mask: number): boolean => (BigInt(register) & BigInt(mask)) !== 0n;

export const is_paging = (vcpu: KvmVcpu): boolean => has(vcpu.arch.cr0, X86_CR0_PG);
/** Whether supervisor code keeps to read-only pages. */
export const is_write_protection = (vcpu: KvmVcpu): boolean => has(vcpu.arch.cr0, X86_CR0_WP);
export const is_pae = (vcpu: KvmVcpu): boolean => has(vcpu.arch.cr4, X86_CR4_PAE);
export const is_pse = (vcpu: KvmVcpu): boolean => has(vcpu.arch.cr4, X86_CR4_PSE);
export const is_smep = (vcpu: KvmVcpu): boolean => has(vcpu.arch.cr4, X86_CR4_SMEP);
/**
 * CR4.SMEP as the hardware has it while the guest runs (`vmx_set_cr4`). A guest without paging must be free to execute anything,
 * and the hardware translates through tables all the same, in which all of that guest's memory is for user code. Linux 3.6 left
 * it on: such a guest faulted for ever.
 */
export const hw_smep = (vcpu: KvmVcpu): boolean => is_smep(vcpu) && is_paging(vcpu);
export const is_long_mode = (vcpu: KvmVcpu): boolean => has(vcpu.arch.efer, EFER_LMA);
export const is_pae_paging = (vcpu: KvmVcpu): boolean =>
  is_paging(vcpu) && is_pae(vcpu) && !is_long_mode(vcpu);
export const is_nx = (vcpu: KvmVcpu): boolean => has(vcpu.arch.efer, EFER_NX);

interface Registers {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
}
const PROTECTED = X86_CR0_PE + X86_CR0_WP;

/** What the option `paging`, or else `guest_paging`, sets the registers to when a vCPU is made. */
const REGISTERS: Readonly<Record<string, Registers>> = {
  tdp: { cr0: X86_CR0_PE, cr4: 0, efer: 0 },
  nonpaging: { cr0: PROTECTED, cr4: 0, efer: 0 },
  '32': { cr0: PROTECTED + X86_CR0_PG, cr4: X86_CR4_PSE | X86_CR4_PGE, efer: 0 },
  pae: { cr0: PROTECTED + X86_CR0_PG, cr4: X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE, efer: EFER_NX },
  '64': {
    cr0: PROTECTED + X86_CR0_PG,
    cr4: X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE,
    efer: EFER_LME | EFER_LMA | EFER_NX,
  },
};

/** Values of the option `paging`, and of `guest_paging`. */
export const PAGING: readonly string[] = Object.keys(REGISTERS);
export const GUEST_PAGING: readonly string[] = ['off', ...PAGING.filter((p) => p !== 'tdp')];

/** The registers of a vCPU that starts in a paging mode. */
export const registersOf = (paging: string): Registers => REGISTERS[paging] as Registers;
