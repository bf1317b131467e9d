/** What the tables of the guest say of an address now, without an access of anybody's. */

import { PT_USER_MASK, PT_WRITABLE_MASK, PT32E_ROOT_LEVEL, PT64_NX_MASK } from '../bits.js';
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
} from '../guest/gpte.js';
import { guest_format, guest_is_paged } from '../guest/init_mmu.js';
import { look_at_guest } from '../guest/tables.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { type Look, peek } from './look.js';

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

/** The translation of a page by the tables that a vCPU uses; undefined where there is none. */
export function guestTranslation(
  look: Look,
  vcpu: number,
  vpn: number,
  read: Reader = (gpa, bytes) => look_at_guest(look.kvm, gpa, bytes),
): Translation | undefined {
  return look.machine.quietly(() => translate(look.vcpus[vcpu] as KvmVcpu, vpn, read));
}

function translate(vcpu: KvmVcpu, vpn: number, read: Reader): Translation | undefined {
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

/** Whether the guest's tables give what a cached translation says, now: it is not one that the guest has left there itself. */
export function guestGives(look: Look, vcpu: number, e: TlbEntry): boolean {
  const t = guestTranslation(look, vcpu, peek(e, 'vpn'));
  if (t === undefined || t.gfn !== peek(e, 'gfn') || !t.accessed) return false;
  if (peek(e, 'writable') && peek(e, 'user') && !(t.writable && t.dirty)) return false;
  return (t.user || !peek(e, 'user')) && (t.executable || !peek(e, 'executable'));
}
