/** What the tables of the guest say of an address: the walk that the architecture has, without an access of anybody's. */
import { PT_USER_MASK, PT_WRITABLE_MASK, PT32E_ROOT_LEVEL, PT64_NX_MASK } from '../bits.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { is_smep, is_write_protection } from './control_registers.js';
import {
  type GuestFormat,
  gpte_pages,
  gpte_to_gfn,
  gpte_to_gfn_lvl,
  is_accessed_gpte,
  is_dirty_gpte,
  is_global_gpte,
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
  /** A load of cr3 leaves it in the TLB, if CR4.PGE is set. */
  readonly global: boolean;
}

/** Reads guest memory: as it is now, or as it was. */
export type Reader = (gpa: number, bytes: number) => bigint;

/** The translation of a page by the tables that a vCPU uses, as `read` has them; undefined where there is none. */
export function translate(vcpu: KvmVcpu, vpn: number, read: Reader): Translation | undefined {
  if (!guest_is_paged(vcpu)) return unpaged(vpn);
  const f = guest_format(vcpu);
  let at = top(vcpu, f, vpn);
  if (f.root_level === PT32E_ROOT_LEVEL && !is_present_gpte(at.gpte)) return undefined;
  for (;;) {
    const next = below(f, at, read(gpteOf(f, at, vpn), f.type.bytes));
    if (next === undefined) return undefined;
    if (is_last_gpte(f, next.gpte, next.level)) return translation(f, next, vpn);
    at = next;
  }
}

const unpaged = (gfn: number): Translation => ({
  gfn,
  writable: true,
  user: true,
  executable: true,
  accessed: true,
  dirty: true,
  global: false,
});

/** How far down a walk is: the last entry that was read, its level, and what all of them allow. */
interface Place {
  readonly gpte: bigint;
  readonly level: number;
  /** Bits that all entries have. */
  readonly all: bigint;
  readonly nx: boolean;
}

/** Above all tables in memory. */
function top(vcpu: KvmVcpu, f: GuestFormat, vpn: number): Place {
  const { mmu, cr3 } = vcpu.arch;
  const pae = f.root_level === PT32E_ROOT_LEVEL;
  return {
    gpte: pae ? mmu.pdptrs.at(Math.floor(vpn / 2 ** 18) % 4) : BigInt(cr3),
    level: f.root_level + (pae ? 0 : 1),
    all: PT_WRITABLE_MASK | PT_USER_MASK,
    nx: false,
  };
}

/** Where the next entry is. */
const gpteOf = (f: GuestFormat, at: Place, vpn: number): number =>
  gpte_to_gfn(f.type, at.gpte) * 4096 + PT_INDEX(f.type, vpn * 4096, at.level - 1) * f.type.bytes;

/** The place after an entry was read; undefined where it leads nowhere. */
function below(f: GuestFormat, at: Place, gpte: bigint): Place | undefined {
  const level = at.level - 1;
  if (!is_present_gpte(gpte) || is_rsvd_bits_set(f, gpte, level)) return undefined;
  const nx = at.nx || (f.nx && (gpte & PT64_NX_MASK) !== 0n);
  return { gpte, level, all: at.all & gpte, nx };
}

const translation = (f: GuestFormat, { gpte, level, all, nx }: Place, vpn: number): Translation => ({
  gfn: gpte_to_gfn_lvl(f.type, gpte, level) + (vpn % gpte_pages(f.type, level)),
  writable: (all & PT_WRITABLE_MASK) !== 0n,
  user: (all & PT_USER_MASK) !== 0n,
  executable: !nx,
  accessed: is_accessed_gpte(gpte),
  dirty: is_dirty_gpte(gpte),
  global: is_global_gpte(gpte),
});

/** What an entry was at some moments: its value, and the first step, not before that asked for, at which it was so. */
export interface Was {
  readonly gpte: bigint;
  readonly step: number;
}

/**
 * All translations of a page that a walk could have found which read one entry after the other, from the highest down, while the
 * tables changed.
 * @param values what an entry has been from a step on
 */
export function pastTranslations(
  vcpu: KvmVcpu,
  vpn: number,
  since: number,
  values: (gpa: number, bytes: number, from: number) => readonly Was[],
): readonly Translation[] {
  const found: Translation[] = [];
  const f = guest_format(vcpu);
  const start = top(vcpu, f, vpn);
  if (!guest_is_paged(vcpu) || (f.root_level === PT32E_ROOT_LEVEL && !is_present_gpte(start.gpte)))
    return found;
  from(start, since);
  return found;

  function from(at: Place, step: number): void {
    for (const was of values(gpteOf(f, at, vpn), f.type.bytes, step)) {
      const next = below(f, at, was.gpte);
      if (next === undefined) continue;
      if (is_last_gpte(f, next.gpte, next.level)) found.push(translation(f, next, vpn));
      else from(next, was.step);
    }
  }
}

/** Whether a translation of the guest's allows an access. */
export function allowed(v: KvmVcpu, t: Translation, { what, cpl }: GuestAccess): boolean {
  if (cpl === 3 && !t.user) return false;
  if (what === 'loads') return true;
  if (what === 'fetches') return t.executable && !(cpl < 3 && t.user && is_smep(v));
  return t.writable || (cpl < 3 && !is_write_protection(v));
}
