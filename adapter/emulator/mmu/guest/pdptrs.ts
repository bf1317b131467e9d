/** The four entries above the page directories of a PAE guest, which a load of cr3 takes into registers. */
import { Fault, type Step } from '../../../machine/index.js';
import { PT32E_ROOT_LEVEL } from '../bits.js';
import { hex } from '../structures/pointer.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { is_present_gpte, PT64, rsvd_bits_mask } from './gpte.js';
import { guest_format } from './init_mmu.js';
import { kvm_read_guest } from './memory.js';

/** An instruction that makes no sense to the CPU. */
export const general_protection = (vcpu: KvmVcpu, what: string): Fault =>
  new Fault(
    'usage',
    '#GP',
    `vcpu[${vcpu.vcpu_id}]: ${what}: a real guest would get a general protection fault (#GP)`,
  );

/** Where one of the entries lies. */
export const pdpte_gpa = (cr3: number, i: number): number => cr3 - (cr3 % 32) + 8 * i;

/** Throws what the guest would get for an entry that cannot be loaded; `undefined` stands for one that is in no memory. */
export function check_pdpte(vcpu: KvmVcpu, cr3: number, i: number, pdpte: bigint | undefined): bigint {
  const f = { ...guest_format(vcpu), type: PT64, root_level: PT32E_ROOT_LEVEL };
  const rsvd = rsvd_bits_mask(f, PT32E_ROOT_LEVEL, false);
  if (pdpte !== undefined && (!is_present_gpte(pdpte) || (pdpte & rsvd) === 0n)) return pdpte;
  throw general_protection(
    vcpu,
    `the entry above page directory ${i}, at guest physical address ${hex(pdpte_gpa(cr3, i))}, ${pdpte === undefined ? 'is in no memory slot' : `is ${hex(pdpte)}, which has reserved bits set`}`,
  );
}

/** Takes an entry into its register. Returns whether it was another one. */
export function set_pdptr(vcpu: KvmVcpu, i: number, pdpte: bigint): boolean {
  const { pdptrs } = vcpu.arch.mmu;
  if (pdptrs.at(i) === pdpte) return false;
  pdptrs.put(i, pdpte);
  return true;
}

/** KVM reads the entries. Returns whether they have changed. */
export function* load_pdptrs(vcpu: KvmVcpu, cr3: number): Step<boolean> {
  let changed = false;
  for (let i = 0; i < 4; i++) {
    const pdpte = check_pdpte(vcpu, cr3, i, yield* kvm_read_guest(vcpu.kvm, pdpte_gpa(cr3, i), 8));
    if (set_pdptr(vcpu, i, pdpte)) changed = true;
  }
  return changed;
}
