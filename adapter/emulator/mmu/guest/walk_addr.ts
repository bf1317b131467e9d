/** KVM's own walk of guest page tables (specification, section 8.3, step 2). No lock is held. */
import { machine, type Step } from '../../../machine/index.js';
import {
  is_writable_pte,
  PT_ACCESSED_MASK,
  PT_DIRTY_MASK,
  PT_USER_MASK,
  PT32E_ROOT_LEVEL,
  PT64_NX_MASK,
} from '../bits.js';
import { mark_page_dirty } from '../dirty.js';
import {
  KVM_MMU_PAGETABLE_WALK,
  KVM_MMU_PAGING_ELEMENT,
  KVM_MMU_SET_ACCESSED_BIT,
  KVM_MMU_SET_DIRTY_BIT,
  KVM_MMU_WALKER_ERROR,
} from '../events.js';
import {
  PFERR_FETCH_MASK,
  PFERR_PRESENT_MASK,
  PFERR_RSVD_MASK,
  PFERR_USER_MASK,
  PFERR_WRITE_MASK,
} from '../fast_page_fault.js';
import { ACC_ALL, ACC_USER_MASK } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { is_smep, is_write_protection } from './control_registers.js';
import {
  type GuestFormat,
  gpte_access,
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
import { cmpxchg_guest, kvm_read_guest } from './memory.js';

/** `struct guest_walker`: what a walk has found. Arrays are by level - 1. */
export interface GuestWalker {
  /** Where the walk ended. */
  level: number;
  /** Where it began: the level of the highest table that lies in memory. */
  root_level: number;
  readonly table_gfn: number[];
  readonly ptes: bigint[];
  readonly pte_gpa: number[];
  /** Rights that all entries above the last leave together, and those with the last. */
  pt_access: number;
  pte_access: number;
  /** Rights that the entries above and including that of each level leave together. */
  readonly level_access: number[];
  gfn: number;
  /** Error code of the fault that the guest is to get; -1 when the access is allowed. */
  fault: number;
}

const newWalker = (): GuestWalker => ({
  level: 0,
  root_level: 0,
  table_gfn: [],
  ptes: [],
  pte_gpa: [],
  pt_access: ACC_ALL,
  pte_access: ACC_ALL,
  level_access: [],
  gfn: 0,
  fault: -1,
});

/** Whether one entry lets the access pass. */
function permitted(vcpu: KvmVcpu, f: GuestFormat, gpte: bigint, access: number): boolean {
  const user = (access & PFERR_USER_MASK) !== 0;
  if ((access & PFERR_WRITE_MASK) !== 0 && !is_writable_pte(gpte) && (user || is_write_protection(vcpu)))
    return false;
  if (user && (gpte & PT_USER_MASK) === 0n) return false;
  return !((access & PFERR_FETCH_MASK) !== 0 && f.nx && (gpte & PT64_NX_MASK) !== 0n);
}

/** Sets A or D in an entry; false when somebody has changed the entry meanwhile. */
function* set_gpte_bit(
  vcpu: KvmVcpu,
  f: GuestFormat,
  w: GuestWalker,
  level: number,
  bit: bigint,
): Step<boolean> {
  const gpa = w.pte_gpa[level - 1] as number;
  const gpte = w.ptes[level - 1] as bigint;
  const event = bit === PT_ACCESSED_MASK ? KVM_MMU_SET_ACCESSED_BIT : KVM_MMU_SET_DIRTY_BIT;
  if (machine.wants(event)) machine.emit(event, [gpa]);
  const seen = yield* cmpxchg_guest(vcpu.kvm, gpa, gpte, gpte | bit, f.type.bytes);
  if (seen !== gpte) return false;
  yield* mark_page_dirty(vcpu.kvm, w.table_gfn[level - 1] as number);
  w.ptes[level - 1] = gpte | bit;
  return true;
}

/** The entry of the level that is above all tables in memory: cr3, or one of the four that were loaded with it. */
function root_entry(vcpu: KvmVcpu, f: GuestFormat, addr: number): { pte: bigint; level: number } {
  if (f.root_level !== PT32E_ROOT_LEVEL) return { pte: BigInt(vcpu.arch.cr3), level: f.root_level };
  const pte = vcpu.arch.mmu.pdptrs.at(Math.floor(addr / 2 ** 30) % 4);
  if (machine.wants(KVM_MMU_PAGING_ELEMENT)) machine.emit(KVM_MMU_PAGING_ELEMENT, [pte, PT32E_ROOT_LEVEL]);
  return { pte, level: PT32E_ROOT_LEVEL - 1 };
}

/**
 * Walks the tables of the guest for an address, sets A and D as the hardware would, and finds what the access is allowed.
 * @param access what is attempted: bits W, U and F of an error code
 */
export function* walk_addr(vcpu: KvmVcpu, f: GuestFormat, addr: number, access: number): Step<GuestWalker> {
  if (machine.wants(KVM_MMU_PAGETABLE_WALK)) machine.emit(KVM_MMU_PAGETABLE_WALK, [addr, access]);
  let w = newWalker();
  while (!(yield* walk_once(vcpu, f, addr, access, w))) w = newWalker();
  if (w.fault < 0) return w;
  w.fault |= access & (PFERR_WRITE_MASK | PFERR_USER_MASK);
  // A CPU that can forbid execution tells fetches from reads.
  if (f.nx || is_smep(vcpu)) w.fault |= access & PFERR_FETCH_MASK;
  if (machine.wants(KVM_MMU_WALKER_ERROR)) machine.emit(KVM_MMU_WALKER_ERROR, [w.fault]);
  return w;
}

/** One attempt; false when an entry that was to get a bit has changed, and all has to be done again. */
function* walk_once(
  vcpu: KvmVcpu,
  f: GuestFormat,
  addr: number,
  access: number,
  w: GuestWalker,
): Step<boolean> {
  const { type } = f;
  let { pte, level } = root_entry(vcpu, f, addr);
  w.root_level = level;
  if (f.root_level === PT32E_ROOT_LEVEL && !is_present_gpte(pte)) {
    w.fault = 0;
    return true;
  }
  let eperm = false;
  for (;;) {
    const table_gfn = gpte_to_gfn(type, pte);
    const pte_gpa = table_gfn * 4096 + PT_INDEX(type, addr, level) * type.bytes;
    w.level = level;
    w.table_gfn[level - 1] = table_gfn;
    w.pte_gpa[level - 1] = pte_gpa;
    const read = yield* kvm_read_guest(vcpu.kvm, pte_gpa, type.bytes);
    if (read !== undefined && machine.wants(KVM_MMU_PAGING_ELEMENT))
      machine.emit(KVM_MMU_PAGING_ELEMENT, [read, level]);
    if (read === undefined || !is_present_gpte(read)) {
      w.fault = 0;
      return true;
    }
    pte = read;
    w.ptes[level - 1] = pte;
    if (is_rsvd_bits_set(f, pte, level)) {
      w.fault = PFERR_PRESENT_MASK | PFERR_RSVD_MASK;
      return true;
    }
    if (!permitted(vcpu, f, pte, access)) eperm = true;
    const last = is_last_gpte(f, pte, level);
    if (last) {
      w.pte_access = w.pt_access & gpte_access(f, pte, true);
      const supervisor_fetch = (access & PFERR_FETCH_MASK) !== 0 && (access & PFERR_USER_MASK) === 0;
      if (supervisor_fetch && is_smep(vcpu) && (w.pte_access & ACC_USER_MASK) !== 0) eperm = true;
    }
    if (!eperm && !is_accessed_gpte(pte)) {
      if (!(yield* set_gpte_bit(vcpu, f, w, level, PT_ACCESSED_MASK))) return false;
    }
    if (last) break;
    w.pt_access &= gpte_access(f, pte, false);
    w.level_access[level - 1] = w.pt_access;
    level--;
  }
  if (eperm) {
    w.fault = PFERR_PRESENT_MASK;
    return true;
  }
  if ((access & PFERR_WRITE_MASK) !== 0 && !is_dirty_gpte(w.ptes[level - 1] as bigint)) {
    if (!(yield* set_gpte_bit(vcpu, f, w, level, PT_DIRTY_MASK))) return false;
    vcpu.kvm.variant.clean_gpte(f, w);
  }
  w.gfn = gpte_to_gfn_lvl(type, pte, level) + (Math.floor(addr / 4096) % gpte_pages(type, level));
  return true;
}
