/** The layout of an spte (specification, section 4): which bit means what depends on the format and on the variant. */

export const PT_PRESENT_MASK = 1n;
export const PT_WRITABLE_MASK = 1n << 1n;
export const PT_USER_MASK = 1n << 2n;
export const PT_ACCESSED_MASK = 1n << 5n;
export const PT_DIRTY_MASK = 1n << 6n;
export const PT_PAGE_SIZE_MASK = 1n << 7n;
export const PT_GLOBAL_MASK = 1n << 8n;
export const PT64_BASE_ADDR_MASK = ((1n << 40n) - 1n) << 12n;
export const PT64_NX_MASK = 1n << 63n;
const VMX_EPT_EXECUTABLE_MASK = 1n << 2n;
const VMX_EPT_ACCESS_BIT = 1n << 8n;
const VMX_EPT_DIRTY_BIT = 1n << 9n;
const VMX_EPT_READABLE_MASK = 1n;
const VMX_EPT_RWX_MASK = 7n;
/** Set in an entry that is tracked for accesses; one of the bits that the hardware ignores. */
const SPTE_SPECIAL_MASK = 1n << 62n;
/** Where such an entry keeps R and X; W comes back as it does after dirty logging. */
const shadow_acc_track_saved_bits_mask = VMX_EPT_READABLE_MASK | VMX_EPT_EXECUTABLE_MASK;
const shadow_acc_track_saved_bits_shift = 52n;
/** Memory type write-back, in the three bits of an EPT leaf. */
const VMX_EPT_MT_WB = 6n << 3n;

/** Present, with reserved bits set: the fault of such an entry is never one that the guest has made itself. */
const TRAP = BigInt.asUintN(64, ~0xffen);

/** Levels of tables. */
export const PT_PAGE_TABLE_LEVEL = 1;
export const PT_DIRECTORY_LEVEL = 2;
export const PT_PDPE_LEVEL = 3;
export const PT32_ROOT_LEVEL = 2;
export const PT32E_ROOT_LEVEL = 3;
export const PT64_ROOT_LEVEL = 4;
/** Page sizes: 4 KiB, 2 MiB, 1 GiB. */
export const KVM_NR_PAGE_SIZES = 3;
export const PAGE_SHIFT = 12;

/** Number of 4 KiB pages in a page of a level. */
export const KVM_PAGES_PER_HPAGE = (level: number): number => 2 ** (9 * (level - 1));

export const is_writable_pte = (pte: bigint): boolean => (pte & PT_WRITABLE_MASK) !== 0n;
export const is_large_pte = (pte: bigint): boolean => (pte & PT_PAGE_SIZE_MASK) !== 0n;
/** Whether a walk ends at this entry of a table of that level. */
export const is_last_spte = (pte: bigint, level: number): boolean =>
  level === PT_PAGE_TABLE_LEVEL || is_large_pte(pte);
export const spte_to_pfn = (pte: bigint): number => Number((pte & PT64_BASE_ADDR_MASK) >> 12n);
export const pfn_to_pte = (pfn: number): bigint => BigInt(pfn) << 12n;

/** Formats of tables: the two of second-level tables, and that of tables which shadow the guest's. NPT and shadow tables look alike. */
export type Format = 'ept' | 'npt' | 'shadow';

/** The layout in force. Made at boot and never changed. */
export class SpteBits {
  readonly shadow_x_mask: bigint;
  readonly shadow_nx_mask: bigint;
  readonly shadow_user_mask: bigint;
  /** 0 when the hardware does not note accesses. */
  readonly shadow_accessed_mask: bigint;
  /** 0 when the hardware does not note stores. */
  readonly shadow_dirty_mask: bigint;
  readonly shadow_mmio_mask: bigint;
  /**
   * What an empty entry holds: one whose faults exit, and one whose faults go straight to the guest. Both are 0 but with
   * `bypass_guest_pf` (specification, section 4).
   */
  readonly shadow_trap_nonpresent_pte: bigint;
  readonly shadow_notrap_nonpresent_pte = 0n;
  /** Whether faults on entries that are 0 go straight to the guest. */
  readonly bypass_guest_pf: boolean;
  /** Memory type of leaf sptes. */
  readonly memory_type: bigint;
  /** 0 in kernels that map only what the host lets them write. */
  readonly SPTE_HOST_WRITEABLE: bigint;
  /** 0 in kernels without the fast page fault. */
  readonly SPTE_MMU_WRITEABLE: bigint;
  /** The bit that ageing tests and clears. */
  readonly age_mask: bigint;
  /**
   * Marks an entry that maps a page and is not readable, so that the next access faults; 0 where the hardware notes accesses, and in
   * kernels that do not do this.
   */
  readonly shadow_acc_track_value: bigint;
  private readonly lockless: bigint;
  private readonly present_mask: bigint;

  constructor(
    readonly format: Format,
    readonly eptad: boolean,
    o: {
      readonly hostw_bit: number;
      readonly mmu_writeable: boolean;
      readonly age_fixed5: boolean;
      readonly acc_track: boolean;
      readonly bypass_guest_pf: boolean;
    },
  ) {
    const ept = format === 'ept';
    this.shadow_x_mask = ept ? VMX_EPT_EXECUTABLE_MASK : 0n;
    this.shadow_nx_mask = ept ? 0n : PT64_NX_MASK;
    this.shadow_user_mask = ept ? 0n : PT_USER_MASK;
    this.shadow_accessed_mask = ept ? (eptad ? VMX_EPT_ACCESS_BIT : 0n) : PT_ACCESSED_MASK;
    this.shadow_dirty_mask = ept ? (eptad ? VMX_EPT_DIRTY_BIT : 0n) : PT_DIRTY_MASK;
    this.memory_type = ept ? VMX_EPT_MT_WB : 0n;
    // Writable and executable but not readable: no other EPT entry looks so. NPT has reserved bits above a 48-bit address.
    this.shadow_mmio_mask = ept ? (0xffn << 49n) | 6n : (0x7fffn << 48n) | 1n;
    // The hardware translates for the guests of EPT and NPT: their faults are none of its business.
    this.bypass_guest_pf = o.bypass_guest_pf && format === 'shadow';
    this.shadow_trap_nonpresent_pte = this.bypass_guest_pf ? TRAP : 0n;
    this.SPTE_HOST_WRITEABLE = o.hostw_bit < 0 ? 0n : 1n << BigInt(o.hostw_bit);
    this.SPTE_MMU_WRITEABLE = o.mmu_writeable ? 1n << 11n : 0n;
    this.age_mask = o.age_fixed5 ? PT_ACCESSED_MASK : this.shadow_accessed_mask;
    this.shadow_acc_track_value = o.acc_track && ept && !eptad ? SPTE_SPECIAL_MASK : 0n;
    this.present_mask = PT_PRESENT_MASK | this.shadow_acc_track_value;
    this.lockless = this.SPTE_HOST_WRITEABLE | this.SPTE_MMU_WRITEABLE;
  }

  is_mmio_spte(spte: bigint): boolean {
    return (
      (spte & this.shadow_mmio_mask) === this.shadow_mmio_mask && spte !== this.shadow_trap_nonpresent_pte
    );
  }
  is_shadow_present_pte(pte: bigint): boolean {
    // The trap value has all bits of the mask for MMIO as well.
    return (pte & this.present_mask) !== 0n && (pte & this.shadow_mmio_mask) !== this.shadow_mmio_mask;
  }
  /** Whether an entry maps a page that nobody has used since it was made unreadable. */
  is_access_track_spte(spte: bigint): boolean {
    const value = this.shadow_acc_track_value;
    return value !== 0n && (spte & (VMX_EPT_RWX_MASK | value)) === value;
  }
  /** Makes an entry unreadable, so that the next access faults. What may be done comes back with it. */
  mark_spte_for_access_track(spte: bigint): bigint {
    if (this.is_access_track_spte(spte)) return spte;
    const saved = (spte & shadow_acc_track_saved_bits_mask) << shadow_acc_track_saved_bits_shift;
    return (spte & ~VMX_EPT_RWX_MASK) | saved | this.shadow_acc_track_value;
  }
  /** Takes that back, but for W. */
  restore_acc_track_spte(spte: bigint): bigint {
    const kept = shadow_acc_track_saved_bits_mask << shadow_acc_track_saved_bits_shift;
    return (
      (spte & ~(kept | this.shadow_acc_track_value)) | ((spte & kept) >> shadow_acc_track_saved_bits_shift)
    );
  }
  /** Whether the page behind an entry counts as used. */
  is_accessed_spte(spte: bigint): boolean {
    if (this.shadow_accessed_mask === 0n) return !this.is_access_track_spte(spte);
    return (spte & this.shadow_accessed_mask) !== 0n;
  }
  /** Whether it counts as written. Where the hardware does not say so, W does in kernels that track accesses, and else presence. */
  is_dirty_spte(spte: bigint): boolean {
    if (this.shadow_dirty_mask === 0n) return !this.dirty_by_w || is_writable_pte(spte);
    return (spte & this.shadow_dirty_mask) !== 0n;
  }
  /** Whether W stands for "was written". */
  get dirty_by_w(): boolean {
    return this.shadow_acc_track_value !== 0n;
  }
  /** Whether it maps nothing and marks nothing. */
  is_empty_spte(spte: bigint): boolean {
    return spte === 0n || spte === this.shadow_trap_nonpresent_pte;
  }
  /** The guest frame noted in an MMIO spte. */
  mmio_gfn(spte: bigint): number {
    return Number((spte & ~this.shadow_mmio_mask) >> 12n);
  }
  /** Whether the fast path may set W: the entry is read-only for no other reason than dirty logging. */
  spte_is_locklessly_modifiable(spte: bigint): boolean {
    return this.SPTE_MMU_WRITEABLE !== 0n && (spte & this.lockless) === this.lockless;
  }
  executable(spte: bigint): boolean {
    return this.shadow_x_mask !== 0n
      ? (spte & this.shadow_x_mask) !== 0n
      : (spte & this.shadow_nx_mask) === 0n;
  }
  /** Names of the bits that are set, as short as people write them. */
  names(v: bigint): string[] {
    if (this.bypass_guest_pf && this.is_empty_spte(v)) return [v === 0n ? 'notrap' : 'trap'];
    const out: string[] = [];
    if (this.is_access_track_spte(v)) out.push('track');
    else if (this.is_shadow_present_pte(v)) out.push(this.format === 'ept' ? 'R' : 'P');
    if (v & PT_WRITABLE_MASK) out.push('W');
    if (v & this.shadow_user_mask) out.push('U');
    if (this.executable(v)) out.push('X');
    if (v & this.shadow_accessed_mask) out.push('A');
    if (v & this.shadow_dirty_mask) out.push('D');
    if (v & PT_PAGE_SIZE_MASK) out.push('PS');
    if (v & this.SPTE_HOST_WRITEABLE) out.push('host');
    if (v & this.SPTE_MMU_WRITEABLE) out.push('mmu');
    return out;
  }
}
