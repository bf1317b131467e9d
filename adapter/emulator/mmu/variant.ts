/**
 * What differs between kernels. A variant is one implementation for each switch, chosen at boot; the functions that are the same
 * everywhere call them through `kvm.variant` and do not know which one it is.
 */
import type { Cell, Step } from '../../machine/index.js';
import type { SpteBits } from './bits.js';
import type { Resolved } from './gfn_to_pfn.js';
import type { PtType } from './guest/gpte.js';
import type { GuestWalker } from './guest/walk_addr.js';
import type { WalkStart } from './lockless_walk.js';
import type { Written } from './shadow/pte_write.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMain } from './structures/kvm_main.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import type { KvmMmuPage } from './structures/mmu_page.js';
import type { KvmVcpu } from './structures/vcpu.js';
import { ad_flush } from './variants/ad_flush.js';
import { age_without_a } from './variants/age_without_a.js';
import { age_bit, hostw_bit } from './variants/bits.js';
import { bypass_guest_pf, notrap_unsync, prefetch_order, update_notrap } from './variants/bypass_guest_pf.js';
import { type ChildReuse, child_reuse } from './variants/child_reuse.js';
import { type CleanGpte, clean_gpte } from './variants/clean_gpte.js';
import { clear_spte } from './variants/clear_spte.js';
import { direct_key, direct_validate, ro_host_in_large, wp0_write } from './variants/direct_pages.js';
import { direct_new_cr3, tdp_root_key } from './variants/direct_roots.js';
import { dirty_set } from './variants/dirty_set.js';
import { dirty_track } from './variants/dirty_track.js';
import { dirtylog } from './variants/dirtylog.js';
import { type EmulatedExchange, emul_cmpxchg } from './variants/emul_cmpxchg.js';
import { enable_log, slot_wp, slot_wp_flush } from './variants/enable_log.js';
import { emulated_access, type Flooding, flooding } from './variants/flooding.js';
import { flush_root_check } from './variants/flush_root_check.js';
import { fpf, fpf_mark, fpf_scope } from './variants/fpf.js';
import { free_before_lock } from './variants/free_before_lock.js';
import { gfn_mismatch } from './variants/gfn_mismatch.js';
import { gfn_to_page_atomic } from './variants/gfn_to_page_atomic.js';
import { gpte_check, put_on_fail } from './variants/gpte_check.js';
import { gup } from './variants/gup.js';
import { gup_in_vm_fault } from './variants/gup_in_vm_fault.js';
import { type Invlpg, invlpg, invlpg_quadrant } from './variants/invlpg.js';
import { ipi } from './variants/ipi.js';
import { large_wp, ro_large } from './variants/large.js';
import { large_drop_flush } from './variants/large_drop_flush.js';
import { mmio_over_present } from './variants/mmio_over_present.js';
import { notifier_flush, notifier_retry } from './variants/notifier.js';
import { type OutOfSync, oos } from './variants/oos.js';
import { oos_global_pge } from './variants/oos_global_pge.js';
import { type OosPatches, oos_patches } from './variants/oos_patches.js';
import { prefetch_map } from './variants/prefetch_map.js';
import { pt_access } from './variants/pt_access.js';
import { pt_protect_test } from './variants/pt_protect_test.js';
import { pte_prefetch } from './variants/pte_prefetch.js';
import { type PteWritePfn, pte_write_pfn } from './variants/pte_write_pfn.js';
import { pte_write_value } from './variants/pte_write_value.js';
import { pv_flush_sync } from './variants/pv_flush_sync.js';
import { role_bits } from './variants/role_bits.js';
import { fault_resets_root, root_check, type SlowPage } from './variants/root_check.js';
import { flush_order, pfn_change_flush, size_change_flush } from './variants/set_spte_flush.js';
import { active_empty_check, shrink, zap_count } from './variants/shrink.js';
import { type ShrinkSlots, shrink_slots } from './variants/shrink_slots.js';
import { slot_delete } from './variants/slot_delete.js';
import { type SlotsLock, slots_lock } from './variants/slots_lock.js';
import { spte_update } from './variants/spte_update.js';
import { type SyncDropFlush, sync_drop_flush } from './variants/sync.js';
import { sync_account } from './variants/sync_account.js';
import { type SyncClear, sync_clear } from './variants/sync_clear.js';
import { type SyncWrite, sync_write } from './variants/sync_write.js';
import { update_access } from './variants/update_access.js';
import { volatile_rule } from './variants/volatile_rule.js';
import { walk_large, walk_pdptr } from './variants/walk_checks.js';
import { walk_end, walk_lock } from './variants/walk_end.js';
import { walk_guard } from './variants/walk_guard.js';
import { wrprotected_large } from './variants/wrprotected_large.js';
import { zap_restart } from './variants/zap_restart.js';

/** How an spte that may be in use gets new bits, and how its caller learns that other CPUs must flush. */
export interface SpteUpdate {
  /** What the caller must know of the spte before it starts; the base needs nothing, and reads nothing. */
  entry(sptep: number): Step<bigint>;
  /** Writes `value`; returns whether a remote flush is needed. `entry` is what `entry()` returned, or an earlier read. */
  update(kvm: Kvm, sptep: number, entry: bigint, value: bigint): Step<boolean>;
}

/** Write protection of a large spte. */
export interface LargeWriteProtect {
  /** Whether write protection drops it (so that it comes back as small ones). */
  readonly drop: boolean;
  /** Whether the fast path may set W in an entry of a table of `level`. */
  fast(level: number): boolean;
}

/** The order in which a notifier unlocks and flushes. */
export interface NotifierFlush {
  /** Runs with `mmu_lock` held and releases it; `flush` says whether a flush is needed. */
  finish(kvm: Kvm, flush: boolean): Step<void>;
}

/** How a lockless walk keeps the pages that it walks alive. */
export interface WalkGuard {
  begin(vcpu: KvmVcpu): Step<void>;
  end(vcpu: KvmVcpu): Step<void>;
  /** Whether pages that are unlinked, and flushed everywhere, may still be walked: they are freed later then. */
  walked(kvm: Kvm): Step<boolean>;
}

/** What is done before and after an entry is narrowed. */
export interface FlushOrder {
  /** Absent where there is nothing to do before. */
  readonly before: ((kvm: Kvm, sptep: number, spte: bigint) => Step<void>) | null;
  after(kvm: Kvm): Step<void>;
}

/** A lock around the change of an entry. */
export interface WalkLock {
  lock(vcpu: KvmVcpu): Step<void>;
  unlock(vcpu: KvmVcpu): Step<void>;
}

/** From what KVM concludes that a page was written. */
export interface DirtyTrack {
  /** Whether W stands for "was written". */
  readonly by_w: boolean;
  /** Whether a page whose mapping goes is dirty. */
  released_dirty(bits: SpteBits, spte: bigint): boolean;
  /** Whether a page whose mapping is write-protected is dirty. */
  protected_dirty(spte: bigint): boolean;
}

/** When a fault makes room for shadow pages: before it takes `mmu_lock`, or with it. */
export interface MakeRoom {
  unlocked(kvm: Kvm): Step<void>;
  locked(kvm: Kvm): Step<void>;
}

/** When a shadow page no longer counts as used. */
export interface ZapCount {
  prepared(kvm: Kvm): void;
  committed(kvm: Kvm): void;
}

/** Whether the fast path ends its walk after it has found the entry, or after its last access to it. */
export type WalkEnd = 'last access' | 'last read';

/** How a leaf spte that was `old` becomes `nonpresent`; returns the value that was cleared, as far as it is known. */
export type ClearSpte = (kvm: Kvm, sptep: number, old: bigint, nonpresent: bigint) => Step<bigint>;

/** What an entry of a page holds that maps nothing; `present` says whether the guest's entry is. */
export type NonpresentOf = (bits: SpteBits, sp: KvmMmuPage, present: boolean) => bigint;

/** When a new page of a guest table gets the values of its empty entries: before the table is write-protected, or after that. */
export interface PrefetchOrder {
  unprotected(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
  protected(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void>;
}

/** One implementation for each switch. */
export interface Variant {
  readonly fpf: (vcpu: KvmVcpu, gva: number, level: number, error_code: number) => Step<boolean>;
  readonly fpf_mark: (
    vcpu: KvmVcpu,
    sp: KvmMmuPage,
    sptep: number,
    spte: bigint,
    new_spte: bigint,
  ) => Step<boolean>;
  /** Whether the fast path is also tried where guest tables are shadowed. */
  readonly fpf_scope: boolean;
  readonly volatile_rule: (bits: SpteBits, spte: bigint) => boolean;
  readonly spte_update: SpteUpdate;
  readonly pt_protect_test: (bits: SpteBits, spte: bigint) => boolean;
  readonly large_wp: LargeWriteProtect;
  readonly ro_large: (vcpu: KvmVcpu, sptep: number) => Step<void>;
  readonly hostw_bit: number;
  readonly age_bit: 'mask' | 'fixed5';
  readonly dirtylog: (kvm: Kvm, memslot: KvmMemorySlot) => Step<readonly bigint[]>;
  readonly dirty_set: (memslot: KvmMemorySlot, rel: number) => Step<void>;
  readonly enable_log: (kvm: Kvm, memslot: KvmMemorySlot) => Step<void>;
  readonly slot_wp_flush: (kvm: Kvm) => Step<void>;
  readonly ipi: (kvm: Kvm, request: bigint) => Step<boolean>;
  readonly notifier_flush: NotifierFlush;
  readonly notifier_retry: (kvm: Kvm, mmu_seq: number) => Step<boolean>;
  readonly large_drop_flush: (vcpu: KvmVcpu, sptep: number) => Step<void>;
  readonly pfn_change_flush: (kvm: Kvm) => Step<void>;
  readonly size_change_flush: (kvm: Kvm) => Step<void>;
  readonly flush_order: FlushOrder;
  readonly ad_flush: (bits: SpteBits, old_spte: bigint, new_spte: bigint) => boolean;
  readonly dirty_track: DirtyTrack;
  readonly age_without_a: (kvm: Kvm, rmapp: Cell) => Step<boolean>;
  readonly slot_wp: (spte: bigint, level: number) => boolean;
  readonly slot_delete: (kvm: Kvm) => Step<void>;
  readonly flush_root_check: (root_hpa: number) => boolean;
  readonly free_before_lock: MakeRoom;
  readonly walk_guard: WalkGuard;
  readonly walk_end: WalkEnd;
  /** None in every kernel there was. */
  readonly walk_lock: WalkLock | null;
  readonly gup_in_vm_fault: (kvm: Kvm, hva: number) => Step<Resolved>;
  readonly shrink: (main: KvmMain, nr_to_scan: number) => Step<void>;
  readonly active_empty_check: boolean;
  readonly zap_count: ZapCount;
  readonly zap_restart: (kvm: Kvm) => Step<void>;
  readonly walk_large: (kvm: Kvm, spte: bigint) => boolean;
  readonly walk_pdptr: (kvm: Kvm) => WalkStart;
  readonly oos: OutOfSync;
  readonly oos_patches: OosPatches;
  readonly oos_global_pge: (vcpu: KvmVcpu) => boolean;
  readonly gup: (kvm: Kvm, hva: number, write_fault: boolean) => Step<Resolved>;
  readonly prefetch_map: number;
  readonly wrprotected_large: 'dropped' | 'retried' | 'read-only';
  readonly sync_account: (kvm: Kvm, gfn: number) => Step<void>;
  readonly gfn_to_page_atomic: (kvm: Kvm, hva: number) => Step<number>;
  readonly sync_drop_flush: SyncDropFlush;
  readonly clean_gpte: CleanGpte;
  readonly sync_clear: SyncClear;
  readonly sync_write: SyncWrite;
  readonly gpte_check: number;
  readonly put_on_fail: boolean;
  readonly invlpg: Invlpg;
  readonly invlpg_quadrant: (type: PtType, sp: KvmMmuPage) => number;
  readonly pte_write_pfn: PteWritePfn;
  readonly pte_write_value: (kvm: Kvm, w: Written) => Step<bigint>;
  readonly child_reuse: ChildReuse;
  readonly pt_access: (gw: GuestWalker, level: number) => number;
  readonly gfn_mismatch: (condition: boolean, what: string) => void;
  /** Bits of the role word by which a page is found. */
  readonly role_bits: number;
  readonly direct_key: (gw: GuestWalker) => number;
  readonly direct_validate: (vcpu: KvmVcpu, sptep: number, direct_access: number) => Step<void>;
  readonly ro_host_in_large: (pte_access: number, map_writable: boolean) => number;
  readonly wp0_write: (vcpu: KvmVcpu, pte_access: number, error_code: number) => number;
  readonly mmio_over_present: boolean;
  readonly update_access: (sp: KvmMmuPage) => number;
  readonly emul_cmpxchg: EmulatedExchange;
  readonly tdp_root_key: (vcpu: KvmVcpu) => number;
  readonly direct_new_cr3: (vcpu: KvmVcpu) => Step<void>;
  readonly root_check: (root_hpa: number) => boolean;
  readonly fault_resets_root: SlowPage;
  readonly clear_spte: ClearSpte;
  readonly slots_lock: SlotsLock;
  readonly shrink_slots: ShrinkSlots;
  readonly pte_prefetch: boolean;
  readonly flooding: Flooding;
  readonly emulated_access: boolean;
  readonly pv_flush_sync: (vcpu: KvmVcpu) => Step<void>;
  readonly bypass_guest_pf: boolean;
  readonly notrap_unsync: (kvm: Kvm, sp: KvmMmuPage) => Step<void>;
  readonly update_notrap: NonpresentOf;
  readonly prefetch_order: PrefetchOrder;
}

/** A switch as it is declared: what it is about, and its values with what each does. */
export interface SwitchTable<T> {
  readonly doc: string;
  /** The value that the base has; the first one where this is absent. */
  readonly base?: string;
  readonly values: Readonly<Record<string, T>>;
}

/** All switches, by name. Their order is that of the reference. */
export const switchTables: { readonly [K in keyof Variant]: SwitchTable<Variant[K]> } = {
  fpf,
  fpf_mark,
  fpf_scope,
  volatile_rule,
  spte_update,
  pt_protect_test,
  large_wp,
  ro_large,
  hostw_bit,
  age_bit,
  dirtylog,
  dirty_set,
  enable_log,
  slot_wp_flush,
  ipi,
  notifier_flush,
  notifier_retry,
  large_drop_flush,
  pfn_change_flush,
  size_change_flush,
  flush_order,
  ad_flush,
  dirty_track,
  age_without_a,
  slot_wp,
  slot_delete,
  flush_root_check,
  free_before_lock,
  walk_guard,
  walk_end,
  walk_lock,
  gup_in_vm_fault,
  shrink,
  active_empty_check,
  zap_count,
  zap_restart,
  walk_large,
  walk_pdptr,
  oos,
  oos_patches,
  oos_global_pge,
  gup,
  prefetch_map,
  wrprotected_large,
  sync_account,
  gfn_to_page_atomic,
  sync_drop_flush,
  clean_gpte,
  sync_clear,
  sync_write,
  gpte_check,
  put_on_fail,
  invlpg,
  invlpg_quadrant,
  pte_write_pfn,
  pte_write_value,
  child_reuse,
  pt_access,
  gfn_mismatch,
  role_bits,
  direct_key,
  direct_validate,
  ro_host_in_large,
  wp0_write,
  mmio_over_present,
  update_access,
  emul_cmpxchg,
  tdp_root_key,
  direct_new_cr3,
  root_check,
  fault_resets_root,
  clear_spte,
  slots_lock,
  shrink_slots,
  pte_prefetch,
  flooding,
  emulated_access,
  pv_flush_sync,
  bypass_guest_pf,
  notrap_unsync,
  update_notrap,
  prefetch_order,
};

/** The variant of a complete set of switch values. */
export function chooseVariant(switches: Readonly<Record<string, string>>): Variant {
  const chosen = Object.entries(switchTables).map(([name, table]) => {
    const values: Readonly<Record<string, unknown>> = table.values;
    return [name, values[switches[name] as string]] as const;
  });
  return Object.fromEntries(chosen) as unknown as Variant;
}
