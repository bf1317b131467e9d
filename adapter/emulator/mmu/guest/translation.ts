/** What the tables of the guest say of an address: the walk that the architecture has, without an access of anybody's. */
import { PT_USER_MASK, PT_WRITABLE_MASK, PT32E_ROOT_LEVEL, PT64_NX_MASK } from '../bits.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { is_smep, is_write_protection } from './control_registers.js';
import {
  gpte_pages,
  gpte_to_gfn,
  gpte_to_gfn_lvl,
  is_accessed_gpte,
  is_dirty_gpte,
  is_last_gpte,
  is_present_gpte,
  is_rsvd_bits_set,
  PT_INDEX,
} from './gpte.js';
import { guest_format, guest_is_paged } from './init_mmu.js';
import type { GuestAccess } from './instruction.js';

/** A translation by the tables of the guest. */
export interface Translation {
  readonly gfn: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/** Reads guest memory: as it is now, or as it was. */
export type Reader = (gpa: number, bytes: number) => bigint;

/** The translation of a page by the tables that a vCPU uses, as `read` has them; undefined where there is none. */
export function translate(vcpu: KvmVcpu, vpn: number, read: Reader): Translation | undefined {
  const { mmu, cr3 } = vcpu.arch;
  if (!guest_is_paged(vcpu))
    return { gfn: vpn, writable: true, user: true, executable: true, accessed: true, dirty: true };
  const f = guest_format(vcpu);
  let level = f.root_level;
  let gpte = BigInt(cr3);
  if (level === PT32E_ROOT_LEVEL) {
    gpte = mmu.pdptrs.at(Math.floor(vpn / 2 ** 18) % 4);
    if (!is_present_gpte(gpte)) return undefined;
    level--;
  }
  let all = PT_WRITABLE_MASK | PT_USER_MASK;
  let nx = false;
  for (; ; level--) {
    const gpa = gpte_to_gfn(f.type, gpte) * 4096 + PT_INDEX(f.type, vpn * 4096, level) * f.type.bytes;
    gpte = read(gpa, f.type.bytes);
    if (!is_present_gpte(gpte) || is_rsvd_bits_set(f, gpte, level)) return undefined;
    all &= gpte;
    nx ||= f.nx && (gpte & PT64_NX_MASK) !== 0n;
    if (!is_last_gpte(f, gpte, level)) continue;
    return {
      gfn: gpte_to_gfn_lvl(f.type, gpte, level) + (vpn % gpte_pages(f.type, level)),
      writable: (all & PT_WRITABLE_MASK) !== 0n,
      user: (all & PT_USER_MASK) !== 0n,
      executable: !nx,
      accessed: is_accessed_gpte(gpte),
      dirty: is_dirty_gpte(gpte),
    };
  }
}

/** Whether a translation of the guest's allows an access. */
export function allowed(v: KvmVcpu, t: Translation, { what, cpl }: GuestAccess): boolean {
  if (cpl === 3 && !t.user) return false;
  if (what === 'loads') return true;
  if (what === 'fetches') return t.executable && !(cpl < 3 && t.user && is_smep(v));
  return t.writable || (cpl < 3 && !is_write_protection(v));
}
