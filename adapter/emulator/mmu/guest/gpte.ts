/** Entries of guest page tables: of 4 bytes for a 32-bit guest, of 8 otherwise. */
import {
  PT_ACCESSED_MASK,
  PT_DIRECTORY_LEVEL,
  PT_DIRTY_MASK,
  PT_GLOBAL_MASK,
  PT_PAGE_SIZE_MASK,
  PT_PAGE_TABLE_LEVEL,
  PT_PDPE_LEVEL,
  PT_PRESENT_MASK,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  PT32E_ROOT_LEVEL,
  PT64_NX_MASK,
  PT64_ROOT_LEVEL,
} from '../bits.js';
import { ACC_EXEC_MASK, ACC_USER_MASK, ACC_WRITE_MASK } from '../structures/mmu_page.js';

/** The width of a machine's physical addresses. */
export const MAXPHYADDR = 48;

/** A kind of guest page table: what the kernel compiles its walker for. */
export interface PtType {
  /** Bytes of an entry. */
  readonly bytes: 4 | 8;
  /** Bits of an address that choose the entry of one table. */
  readonly level_bits: number;
  /** Bits of an entry that hold the frame. */
  readonly base_addr_mask: bigint;
}
export const PT32: PtType = { bytes: 4, level_bits: 10, base_addr_mask: 0xffff_f000n };
export const PT64: PtType = { bytes: 8, level_bits: 9, base_addr_mask: ((1n << 40n) - 1n) << 12n };

/** How a vCPU's guest walks: what `init_kvm_mmu` derives from the control registers. */
export interface GuestFormat {
  readonly type: PtType;
  readonly root_level: number;
  /** EFER.NX: bit 63 forbids execution. */
  readonly nx: boolean;
  /** CR4.PSE: a 32-bit guest may use pages of 4 MiB. */
  readonly pse: boolean;
}

export const is_present_gpte = (gpte: bigint): boolean => (gpte & PT_PRESENT_MASK) !== 0n;
export const is_dirty_gpte = (gpte: bigint): boolean => (gpte & PT_DIRTY_MASK) !== 0n;
/** Of a last entry: whether a load of cr3 leaves it in the TLB, if CR4.PGE is set. */
export const is_global_gpte = (gpte: bigint): boolean => (gpte & PT_GLOBAL_MASK) !== 0n;
export const is_accessed_gpte = (gpte: bigint): boolean => (gpte & PT_ACCESSED_MASK) !== 0n;

/** Number of the entry of an address in a table of `level`. */
export const PT_INDEX = (type: PtType, addr: number, level: number): number =>
  Math.floor(addr / 2 ** (12 + type.level_bits * (level - 1))) % 2 ** type.level_bits;

/** Frames of 4 KiB that an entry of `level` maps. */
export const gpte_pages = (type: PtType, level: number): number => 2 ** (type.level_bits * (level - 1));

export const gpte_to_gfn = (type: PtType, gpte: bigint): number =>
  Number((gpte & type.base_addr_mask) >> 12n);

/** First frame of the page that an entry of `level` maps. */
export function gpte_to_gfn_lvl(type: PtType, gpte: bigint, level: number): number {
  const gfn = gpte_to_gfn(type, gpte);
  return gfn - (gfn % gpte_pages(type, level));
}

/** Whether a walk ends at an entry of `level`. */
export function is_last_gpte(f: GuestFormat, gpte: bigint, level: number): boolean {
  if (level === PT_PAGE_TABLE_LEVEL) return true;
  if ((gpte & PT_PAGE_SIZE_MASK) === 0n) return false;
  if (level === PT_DIRECTORY_LEVEL) return f.type.bytes === 8 || f.pse;
  return level === PT_PDPE_LEVEL && f.root_level === PT64_ROOT_LEVEL;
}

const rsvd_bits = (from: number, to: number): bigint => ((1n << BigInt(to - from + 1)) - 1n) << BigInt(from);

/** Bits that must be clear in an entry of `level`: by the kind of guest, and by whether the entry is large. */
export function rsvd_bits_mask(f: GuestFormat, level: number, large: boolean): bigint {
  const small = level === PT_PAGE_TABLE_LEVEL || !large;
  // Pages of 4 MiB lie below 4 GiB: the emulated CPU has no PSE-36.
  if (f.type.bytes === 4) return small || !f.pse ? 0n : rsvd_bits(13, 21);
  const exb = f.nx ? 0n : PT64_NX_MASK;
  const address = rsvd_bits(MAXPHYADDR, f.root_level === PT32E_ROOT_LEVEL ? 62 : 51);
  if (f.root_level === PT32E_ROOT_LEVEL && level === PT_PDPE_LEVEL)
    return rsvd_bits(MAXPHYADDR, 63) | rsvd_bits(5, 8) | rsvd_bits(1, 2);
  if (level === PT64_ROOT_LEVEL) return exb | address | PT_PAGE_SIZE_MASK;
  if (small) return exb | address;
  return exb | address | rsvd_bits(13, level === PT_DIRECTORY_LEVEL ? 20 : 29);
}

export const is_rsvd_bits_set = (f: GuestFormat, gpte: bigint, level: number): boolean =>
  (gpte & rsvd_bits_mask(f, level, (gpte & PT_PAGE_SIZE_MASK) !== 0n)) !== 0n;

/** Rights that an entry leaves. A clean last entry allows no stores, so that the first one is seen. */
export function gpte_access(f: GuestFormat, gpte: bigint, last: boolean): number {
  let access = ACC_EXEC_MASK;
  if ((gpte & PT_WRITABLE_MASK) !== 0n && (!last || is_dirty_gpte(gpte))) access |= ACC_WRITE_MASK;
  if ((gpte & PT_USER_MASK) !== 0n) access |= ACC_USER_MASK;
  if (f.nx && (gpte & PT64_NX_MASK) !== 0n) access &= ~ACC_EXEC_MASK;
  return access;
}
