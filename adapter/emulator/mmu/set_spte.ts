/** Installing a leaf spte (specification, section 8.4), with `mmu_lock` held. */
import { type Cell, machine, READ_ONCE, read64, type Step, write64 } from '../../machine/index.js';
import {
  is_large_pte,
  is_writable_pte,
  PT_PAGE_SIZE_MASK,
  PT_PAGE_TABLE_LEVEL,
  PT_PRESENT_MASK,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  pfn_to_pte,
  spte_to_pfn,
} from './bits.js';
import { mark_page_dirty_in_slot } from './dirty.js';
import { MARK_MMIO_SPTE } from './events.js';
import { is_noslot_pfn } from './gfn_to_pfn.js';
import { is_smep, is_write_protection } from './guest/control_registers.js';
import { gfn_to_memslot_unsafe } from './memslot.js';
import { drop_parent_pte } from './mmu_page.js';
import { rmap_get_first } from './pte_list.js';
import { __gfn_to_rmap, lpage_info_slot, RMAP_RECYCLE_THRESHOLD, rmap_add } from './rmap.js';
import { gfn_indirect_valid_sps } from './shadow/pages_of.js';
import { drop_spte, peek_spte } from './spte.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import { ACC_EXEC_MASK, ACC_USER_MASK, ACC_WRITE_MASK, type KvmMmuPage } from './structures/mmu_page.js';
import { page_header } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';
import { kvm_flush_remote_tlbs, kvm_mmu_flush_tlb } from './tlb.js';

/** What is asked of an spte. */
export interface Mapping {
  readonly pte_access: number;
  readonly level: number;
  readonly gfn: number;
  readonly pfn: number;
  /** Nobody has asked for it yet: it does not count as accessed. */
  readonly speculative: boolean;
  readonly host_writable: boolean;
  /** The guest flushes it only with all of its TLB. */
  readonly global?: boolean;
}

/** Whether the large frame of a level that holds a gfn must not be mapped large. */
export function* has_wrprotected_page(gfn: number, slot: KvmMemorySlot | null, level: number): Step<boolean> {
  if (slot === null) return true;
  return (yield* READ_ONCE(lpage_info_slot(gfn, slot, level), 'write_count')) > 0;
}

/** Who asks for an spte, and what for. */
export interface Asker {
  /** The vCPU wants to store, and user code does. */
  readonly write_fault: boolean;
  readonly user_fault: boolean;
  /** A guest table that is mapped may go unsync, so that the guest can write to it. */
  readonly can_unsync: boolean;
}

/** Somebody who has not been asked: a prefetch. */
export const SPECULATIVE: Asker = { write_fault: false, user_fault: false, can_unsync: true };

/** Writes the value that marks an address that no slot has; the next access is recognised by it. */
export function* mark_mmio_spte(kvm: Kvm, sptep: number, gfn: number, access: number): Step<void> {
  // Kernels with the two values have no such marks: the fault of the trap value leads here again.
  if (kvm.bits.bypass_guest_pf) return;
  const rights = access & (ACC_WRITE_MASK | ACC_USER_MASK);
  if (machine.wants(MARK_MMIO_SPTE)) machine.emit(MARK_MMIO_SPTE, [sptep * 8, gfn, rights]);
  yield* write64(sptep, kvm.bits.shadow_mmio_mask | BigInt(rights) | (BigInt(gfn) << 12n));
}

/** The word for a mapping, without what makes it writable. */
function make_spte(kvm: Kvm, m: Mapping): bigint {
  const { bits } = kvm;
  let spte = PT_PRESENT_MASK | pfn_to_pte(m.pfn) | bits.memory_type;
  if (!m.speculative) spte |= bits.shadow_accessed_mask;
  spte |= m.pte_access & ACC_EXEC_MASK ? bits.shadow_x_mask : bits.shadow_nx_mask;
  if (m.pte_access & ACC_USER_MASK) spte |= bits.shadow_user_mask;
  if (m.level > PT_PAGE_TABLE_LEVEL) spte |= PT_PAGE_SIZE_MASK;
  if (m.host_writable) spte |= bits.SPTE_HOST_WRITEABLE;
  return spte;
}

/**
 * Whether supervisor code of the guest may store although its own tables say read-only, because CR0.WP is 0. The hardware runs
 * with WP set: the entry becomes writable, and is taken away from user code.
 */
const supervisor_override = (vcpu: KvmVcpu, a: Asker): boolean =>
  !vcpu.arch.mmu.direct_map && a.write_fault && !is_write_protection(vcpu) && !a.user_fault;

/** Builds and writes a leaf spte. Returns whether a store to the page has to be emulated. */
export function* set_spte(vcpu: KvmVcpu, sptep: number, m: Mapping, asker: Asker): Step<boolean> {
  const { kvm } = vcpu;
  const { spte_update, flush_order, oos, wrprotected_large } = kvm.variant;
  const entry = yield* spte_update.entry(sptep);
  const slot = gfn_to_memslot_unsafe(kvm, m.gfn);
  let spte = make_spte(kvm, m);
  let denied = false;

  const granted = m.host_writable && (m.pte_access & ACC_WRITE_MASK) !== 0;
  if (granted || supervisor_override(vcpu, asker)) {
    if (m.level > PT_PAGE_TABLE_LEVEL && (yield* has_wrprotected_page(m.gfn, slot, m.level))) {
      if (wrprotected_large !== 'read-only') {
        yield* kvm.variant.large_drop_flush(vcpu, sptep);
        return wrprotected_large === 'dropped';
      }
      denied = true;
    }
    const read_only = spte;
    spte |= PT_WRITABLE_MASK | kvm.bits.SPTE_MMU_WRITEABLE;
    if (!granted) {
      spte &= ~PT_USER_MASK;
      if (is_smep(vcpu)) spte |= kvm.bits.shadow_nx_mask;
    }
    // What is writable already was looked at when it became so.
    const settled = !asker.can_unsync && is_writable_pte(yield* read64(sptep));
    if (!settled) {
      const sps = gfn_indirect_valid_sps(kvm, m.gfn);
      if (sps.length > 0) {
        if (asker.write_fault) kvm.emulator_stat.guest_pt_stores_trapped++;
        denied ||= asker.can_unsync
          ? yield* oos.need_write_protect(vcpu, sps, asker)
          : kvm.variant.sync_write(sps);
      }
      if (denied) spte = granted ? read_only : spte & ~(PT_WRITABLE_MASK | kvm.bits.SPTE_MMU_WRITEABLE);
      // The bit must be there before any store can be.
      else if (granted) yield* mark_page_dirty_in_slot(kvm, slot, m.gfn);
    }
  }
  for (const o of kvm.observers.mapping) o(sptep, m.gfn, m.pfn);
  if (denied && !kvm.variant.emulated_access) spte &= ~kvm.bits.shadow_accessed_mask;
  if (flush_order.before !== null) yield* flush_order.before(kvm, sptep, spte);
  if (yield* spte_update.update(kvm, sptep, entry, spte)) yield* flush_order.after(kvm);
  return denied;
}

/** Unmaps everything in an overlong chain. */
function* rmap_recycle(kvm: Kvm, rmapp: Cell): Step<void> {
  for (let sptep = rmap_get_first(rmapp); sptep !== 0; sptep = rmap_get_first(rmapp))
    yield* drop_spte(kvm, sptep);
  yield* kvm_flush_remote_tlbs(kvm);
}

/** Takes what is in the way of a mapping out of an entry. Returns whether the same frame was mapped there already. */
function* clear_the_way(kvm: Kvm, sptep: number, m: Mapping): Step<boolean> {
  const { bits } = kvm;
  const old_spte = yield* read64(sptep);
  if (!bits.is_shadow_present_pte(old_spte)) return false;
  if (m.level > PT_PAGE_TABLE_LEVEL && !is_large_pte(old_spte)) {
    const child = machine.phys.frame(spte_to_pfn(old_spte))?.owner as unknown as KvmMmuPage;
    yield* drop_parent_pte(child, sptep);
    yield* kvm.variant.size_change_flush(kvm);
    return false;
  }
  if (m.pfn === spte_to_pfn(old_spte)) return true;
  yield* drop_spte(kvm, sptep);
  yield* kvm.variant.pfn_change_flush(kvm);
  return false;
}

/** Notes that a table has had entries of a slot. */
function page_header_update_slot(kvm: Kvm, sptep: number, gfn: number): void {
  const sp = page_header(sptep);
  const slot = gfn_to_memslot_unsafe(kvm, gfn) as KvmMemorySlot;
  const bit = 1n << BigInt(slot.id);
  if ((sp.slot_bitmap & bit) === 0n) sp.slot_bitmap |= bit;
}

/**
 * Maps a frame at an entry, replacing what is there.
 * @returns whether the access has to be emulated
 */
export function* mmu_set_spte(vcpu: KvmVcpu, sptep: number, m: Mapping, asker: Asker): Step<boolean> {
  const { kvm } = vcpu;
  const { oos, mmio_over_present } = kvm.variant;
  if (oos.installing !== null) yield* oos.installing(vcpu, page_header(sptep), m);
  const mmio = is_noslot_pfn(m.pfn);
  const was_rmapped = mmio && mmio_over_present ? false : yield* clear_the_way(kvm, sptep, m);
  if (mmio) {
    if (oos.installed !== null) oos.installed(page_header(sptep));
    yield* mark_mmio_spte(kvm, sptep, m.gfn, m.pte_access);
    return true;
  }
  const denied = yield* set_spte(vcpu, sptep, m, asker);
  if (denied) yield* kvm_mmu_flush_tlb(vcpu);
  // Nobody changes it while the lock is held but for A, D and W: looking whether it is there is no step.
  if (kvm.bits.is_shadow_present_pte(peek_spte(sptep))) yield* note_mapping(vcpu, sptep, m, was_rmapped);
  if (oos.installed !== null) oos.installed(page_header(sptep));
  return denied && asker.write_fault;
}

/** Counts and finds again what has been mapped. */
function* note_mapping(vcpu: KvmVcpu, sptep: number, m: Mapping, was_rmapped: boolean): Step<void> {
  const { kvm } = vcpu;
  page_header_update_slot(kvm, sptep, m.gfn);
  if (was_rmapped) return;
  if (m.level > PT_PAGE_TABLE_LEVEL) kvm.stat.lpages++;
  const before = rmap_add(vcpu, sptep, m.gfn);
  if (before <= RMAP_RECYCLE_THRESHOLD) return;
  const slot = gfn_to_memslot_unsafe(kvm, m.gfn) as KvmMemorySlot;
  yield* rmap_recycle(kvm, __gfn_to_rmap(m.gfn, m.level, slot));
}
