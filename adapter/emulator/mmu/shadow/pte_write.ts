/** A store to guest memory that KVM has made itself, seen from the shadow pages (specification, section 7.1). */
import { READ_ONCE, read64, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import {
  PT_PAGE_TABLE_LEVEL,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  PT32_ROOT_LEVEL,
  PT64_NX_MASK,
  spte_to_pfn,
} from '../bits.js';
import { kvm_read_guest } from '../guest/memory.js';
import { mmu_topup_memory_caches } from '../memory_cache.js';
import { peek_spte } from '../spte.js';
import type { Kvm } from '../structures/kvm.js';
import { type KvmMmuPage, ROLE_CR0_WP, ROLE_CR4_PAE, ROLE_NXE } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs, kvm_mmu_flush_tlb } from '../tlb.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page, mmu_page_zap_pte } from '../zap.js';
import { gfn_indirect_valid_sps } from './pages_of.js';
import { update_pte } from './prefetch.js';

/** Role bits that a vCPU must share with a page to say what its entries mean. */
const SAME_MODE = ROLE_CR0_WP | ROLE_CR4_PAE | ROLE_NXE;

/** A store: where, what, and how many bytes. */
export interface Written {
  readonly gpa: number;
  readonly value: bigint;
  readonly bytes: number;
  /** Present where the guest has stored nothing, and an INVLPG has the entry installed that it has read. */
  readonly prefill?: {
    /** How many there had been then: the entry is dropped if there were more since. Null where nobody counts. */
    readonly invlpg_counter: number | null;
  };
}

/** Whether an entry that was read for an INVLPG may not be what the guest wants any more; `mmu_lock` is held. */
const outdated = ({ arch }: Kvm, { prefill }: Written): boolean =>
  prefill !== undefined && prefill.invlpg_counter !== null && prefill.invlpg_counter !== arch.invlpg_counter;

/** Bytes of an entry of the guest table that a page shadows. */
const gpte_size = (sp: KvmMmuPage): number => (sp.role & ROLE_CR4_PAE ? 8 : 4);

/** Whether a store does not look like one to an entry. A single byte at the beginning of one does: bit tests and sets are such. */
function detect_write_misaligned(sp: KvmMmuPage, { gpa, bytes }: Written): boolean {
  const offset = gpa % 4096;
  if (offset % gpte_size(sp) === 0 && bytes === 1) return false;
  const crosses = Math.floor(offset / gpte_size(sp)) !== Math.floor((offset + bytes - 1) / gpte_size(sp));
  return crosses || bytes < 4;
}

/** Number of the first spte for an entry, and how many there are; none when another page covers that part of the table. */
function affected_sptes(sp: KvmMmuPage, { gpa }: Written): { first: number; count: number } {
  const offset = gpa % 4096;
  if (sp.role & ROLE_CR4_PAE) return { first: Math.floor(offset / 8), count: 1 };
  // An entry of 4 bytes maps 4 MiB, for which two sptes are needed; a table of level 1 just has twice as many entries.
  const large = sp.level > PT_PAGE_TABLE_LEVEL;
  const at = Math.floor(offset / 4) * (large ? 2 : 1);
  return Math.floor(at / 512) === sp.quadrant
    ? { first: at % 512, count: large ? 2 : 1 }
    : { first: 0, count: 0 };
}

/** Whether other CPUs may not go on with the old value of an spte. */
function need_remote_flush(kvm: Kvm, old: bigint, value: bigint): boolean {
  const { bits } = kvm;
  if (!bits.is_shadow_present_pte(old)) return false;
  if (!bits.is_shadow_present_pte(value) || spte_to_pfn(old) !== spte_to_pfn(value)) return true;
  const rights = PT_WRITABLE_MASK | PT_USER_MASK;
  return ((old ^ PT64_NX_MASK) & ~(value ^ PT64_NX_MASK) & (rights | PT64_NX_MASK)) !== 0n;
}

/** Replaces what one entry of a page maps. Returns whether a remote flush is needed. */
function* update_entry(vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, gentry: bigint): Step<boolean> {
  const { kvm } = vcpu;
  const entry = yield* read64(sptep);
  yield* mmu_page_zap_pte(kvm, sp, sptep);
  const same_mode = ((sp.role ^ vcpu.arch.mmu.base_role) & SAME_MODE) === 0;
  if (gentry !== 0n && same_mode && vcpu.arch.mmu_pte_list_desc_cache.nobjs > 0) {
    if (sp.level !== PT_PAGE_TABLE_LEVEL) kvm.stat.mmu_pde_zapped++;
    else {
      kvm.stat.mmu_pte_updated++;
      yield* update_pte(vcpu, sp, sptep, gentry);
      if (kvm.bits.is_shadow_present_pte(peek_spte(sptep))) kvm.variant.flooding.updated(vcpu, sptep);
    }
  }
  return need_remote_flush(kvm, entry, peek_spte(sptep));
}

/** The whole entry that a store is about: half a store of 8 bytes, as 32-bit code makes it, is not enough to go by. */
function* mmu_pte_write_fetch_gpte(vcpu: KvmVcpu, w: Written): Step<Written | undefined> {
  const wide = vcpu.arch.mmu.root_level > PT32_ROOT_LEVEL;
  if (!wide || w.bytes !== 4) return w;
  const gpa = w.gpa - (w.gpa % 8);
  const value = yield* kvm_read_guest(vcpu.kvm, gpa, 8);
  return value === undefined ? undefined : { gpa, value, bytes: 8 };
}

/** Brings the shadow pages of a guest frame up to date with a store to it, or drops them. */
export function* kvm_mmu_pte_write(vcpu: KvmVcpu, store: Written): Step<void> {
  const { kvm } = vcpu;
  if ((yield* READ_ONCE(kvm.arch, 'indirect_shadow_pages')) === 0) return;
  const w = (yield* mmu_pte_write_fetch_gpte(vcpu, store)) ?? { ...store, value: 0n };
  yield* kvm.variant.pte_write_pfn.before(vcpu, w);
  mmu_topup_memory_caches(vcpu);
  yield* spin_lock(kvm.mmu_lock);
  kvm.stat.mmu_pte_write++;
  const invalid_list: KvmMmuPage[] = [];
  const { flooding } = kvm.variant;
  const gfn = Math.floor(w.gpa / 4096);
  const flooded = w.prefill === undefined && (yield* flooding.frame(vcpu, gfn));
  const sps = gfn_indirect_valid_sps(kvm, gfn);
  let zapped = false;
  let remote_flush = false;
  let local_flush = false;
  const gentry = sps.length === 0 || outdated(kvm, w) ? 0n : yield* kvm.variant.pte_write_value(kvm, w);
  for (let k = 0; k < sps.length; k++) {
    const sp = sps[k] as KvmMmuPage;
    // Zapped together with one before it.
    if (sp.invalid) continue;
    const stored = w.prefill === undefined;
    if (stored && (flooded || detect_write_misaligned(sp, w) || flooding.page(kvm, sp))) {
      if ((yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)) > 0) zapped = true;
      kvm.stat.mmu_flooded++;
      continue;
    }
    const { first, count } = affected_sptes(sp, w);
    if (count > 0) local_flush = true;
    for (let i = first; i < first + count; i++)
      if (yield* update_entry(vcpu, sp, sp.spt.at(i), gentry)) remote_flush = true;
  }
  if (!zapped) {
    if (remote_flush) yield* kvm_flush_remote_tlbs(kvm);
    else if (local_flush) yield* kvm_mmu_flush_tlb(vcpu);
  }
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  yield* spin_unlock(kvm.mmu_lock);
  kvm.variant.pte_write_pfn.after(vcpu);
}

/** Drops the shadow pages of a guest frame: it seems to be no table any more. Returns whether there were any. */
export function* kvm_mmu_unprotect_page(kvm: Kvm, gfn: number): Step<boolean> {
  const invalid_list: KvmMmuPage[] = [];
  yield* spin_lock(kvm.mmu_lock);
  const sps = gfn_indirect_valid_sps(kvm, gfn);
  for (let k = 0; k < sps.length; k++) {
    const sp = sps[k] as KvmMmuPage;
    if (!sp.invalid) yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
  }
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  yield* spin_unlock(kvm.mmu_lock);
  return sps.length > 0;
}
