/** Bringing shadow pages up to date with the guest tables that they shadow (specification, section 9.4). `mmu_lock` is held. */
import { machine, read64, type Step, spin_lock, spin_unlock, WORDS } from '../../../machine/index.js';
import { PT_PAGE_TABLE_LEVEL, PT64_ROOT_LEVEL, type SpteBits, spte_to_pfn } from '../bits.js';
import { is_pae } from '../guest/control_registers.js';
import {
  gpte_access,
  gpte_to_gfn,
  is_accessed_gpte,
  is_present_gpte,
  is_rsvd_bits_set,
} from '../guest/gpte.js';
import { guest_format } from '../guest/init_mmu.js';
import { kvm_read_guest_atomic } from '../guest/memory.js';
import { kvm_mmu_page_get_gfn } from '../rmap.js';
import { mark_mmio_spte, set_spte } from '../set_spte.js';
import { drop_spte, mmu_spte_clear_no_track, peek_spte } from '../spte.js';
import { type KvmMmuPage, ROLE_CR4_PAE } from '../structures/mmu_page.js';
import { page_header, type Spt } from '../structures/spt.js';
import { INVALID_PAGE, type KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs, kvm_mmu_flush_tlb } from '../tlb.js';
import { rmap_write_protect } from '../write_protect.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page } from '../zap.js';
import { first_gpte_gpa } from './first_gpte.js';
import { mmu_pages_clear_parents, mmu_unsync_walk, type UnsyncPath } from './unsync.js';

/** A page that stays unsync must not keep faults from KVM: the guest may fill its entry at any time, and nobody would hear of it. */
const nonpresent_in_sync = (bits: SpteBits, sp: KvmMmuPage, present: boolean): bigint =>
  present || sp.unsync ? bits.shadow_trap_nonpresent_pte : bits.shadow_notrap_nonpresent_pte;

/**
 * Makes the entries of a page of level 1 agree with the guest table, as far as they are filled. Entries that are empty stay so.
 * @returns false when the guest table cannot be read, or nothing is left: the page is of no use then
 */
function* sync_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  const { kvm } = vcpu;
  const f = guest_format(vcpu);
  const first = first_gpte_gpa(f.type, sp);
  const { emulator_stat } = kvm;
  emulator_stat.sync_pages++;
  let nr_present = 0;
  let dropped = false;
  for (let i = 0; i < WORDS; i++) {
    const sptep = sp.spt.at(i);
    // An empty entry stays so while the lock is held: looking at it is no step.
    if (kvm.bits.is_empty_spte(peek_spte(sptep))) continue;
    const spte = yield* read64(sptep);
    emulator_stat.sync_sptes++;
    const gpte = yield* kvm_read_guest_atomic(kvm, first + i * f.type.bytes, f.type.bytes);
    if (gpte === undefined) return false;
    const invalid =
      !is_present_gpte(gpte) || is_rsvd_bits_set(f, gpte, PT_PAGE_TABLE_LEVEL) || !is_accessed_gpte(gpte);
    const gfn = gpte_to_gfn(f.type, gpte);
    if (invalid) {
      if (kvm.bits.is_mmio_spte(spte)) yield* mmu_spte_clear_no_track(kvm.bits, sptep);
      else {
        yield* drop_spte(kvm, sptep, nonpresent_in_sync(kvm.bits, sp, is_present_gpte(gpte)));
        dropped = true;
        emulator_stat.sync_dropped++;
        yield* kvm.variant.sync_drop_flush.dropped(vcpu);
      }
      continue;
    }
    const pte_access = sp.access & gpte_access(f, gpte, true);
    if (kvm.bits.is_mmio_spte(spte)) {
      if (gfn !== kvm.bits.mmio_gfn(spte)) yield* mmu_spte_clear_no_track(kvm.bits, sptep);
      else {
        nr_present++;
        yield* mark_mmio_spte(kvm, sptep, gfn, pte_access);
      }
      continue;
    }
    if (gfn !== kvm_mmu_page_get_gfn(sp, i)) {
      yield* drop_spte(kvm, sptep);
      dropped = true;
      emulator_stat.sync_dropped++;
      yield* kvm.variant.sync_drop_flush.dropped(vcpu);
      continue;
    }
    nr_present++;
    const { SPTE_HOST_WRITEABLE } = kvm.bits;
    const host_writable = (spte & SPTE_HOST_WRITEABLE) === SPTE_HOST_WRITEABLE;
    const m = {
      pte_access,
      level: PT_PAGE_TABLE_LEVEL,
      gfn,
      pfn: spte_to_pfn(spte),
      speculative: true,
      host_writable,
    };
    yield* set_spte(vcpu, sptep, m, { write_fault: false, user_fault: false, can_unsync: false });
  }
  yield* kvm.variant.sync_drop_flush.end(vcpu, dropped);
  return nr_present > 0;
}

/** Syncs a page. Returns false when it was zapped instead. */
function* __kvm_sync_page(
  vcpu: KvmVcpu,
  sp: KvmMmuPage,
  invalid_list: KvmMmuPage[],
  clear_unsync: boolean,
): Step<boolean> {
  const { kvm } = vcpu;
  if (((sp.role & ROLE_CR4_PAE) !== 0) !== is_pae(vcpu)) {
    yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
    return false;
  }
  // In the base not after the entries: what maps this very table must be found read-only by then.
  if (clear_unsync) kvm.variant.sync_clear.before(kvm, sp);
  // Without paging, the function that syncs always says that nothing is left.
  if (vcpu.arch.mmu.direct_map || !(yield* sync_page(vcpu, sp))) {
    yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
    return false;
  }
  if (clear_unsync) kvm.variant.sync_clear.after(kvm, sp);
  yield* kvm_mmu_flush_tlb(vcpu);
  return true;
}

/** Refreshes what a page maps, and leaves it unsync and its table writable. Returns whether it was zapped instead. */
export function* kvm_sync_page_transient(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  const invalid_list: KvmMmuPage[] = [];
  const synced = yield* __kvm_sync_page(vcpu, sp, invalid_list, false);
  if (!synced) yield* kvm_mmu_commit_zap_page(vcpu.kvm, invalid_list);
  return !synced;
}

/** Write-protects the table of a page and syncs it for good. Returns false when it was zapped instead. */
export function* kvm_sync_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  const { kvm } = vcpu;
  if (yield* rmap_write_protect(kvm, sp.gfn)) yield* kvm_flush_remote_tlbs(kvm);
  const invalid_list: KvmMmuPage[] = [];
  const synced = yield* __kvm_sync_page(vcpu, sp, invalid_list, true);
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  return synced;
}

/** Syncs all unsync pages of a guest table that is about to be used as one of a higher level. */
export function* kvm_sync_pages(vcpu: KvmVcpu, gfn: number): Step<void> {
  const invalid_list: KvmMmuPage[] = [];
  const bucket = vcpu.kvm.arch.mmu_page_hash.bucket(gfn);
  let flush = false;
  for (let k = 0; k < bucket.length; k++) {
    const sp = bucket[k] as KvmMmuPage;
    if (sp.gfn !== gfn || sp.direct || sp.invalid || !sp.unsync) continue;
    if (yield* __kvm_sync_page(vcpu, sp, invalid_list, true)) flush = true;
  }
  yield* kvm_mmu_commit_zap_page(vcpu.kvm, invalid_list);
  if (flush) yield* kvm_mmu_flush_tlb(vcpu);
}

/** Protects, flushes, and syncs some pages; `paths` comes from `mmu_unsync_walk`. */
function* sync_batch(vcpu: KvmVcpu, paths: readonly UnsyncPath[]): Step<void> {
  const { kvm } = vcpu;
  const invalid_list: KvmMmuPage[] = [];
  let protect = false;
  for (let k = 0; k < paths.length; k++)
    if (yield* rmap_write_protect(kvm, (paths[k] as UnsyncPath).sp.gfn)) protect = true;
  if (protect) yield* kvm_flush_remote_tlbs(kvm);
  for (let k = 0; k < paths.length; k++) {
    const path = paths[k] as UnsyncPath;
    // A page that is linked at two places is found twice, and synced once.
    if (path.sp.unsync) yield* __kvm_sync_page(vcpu, path.sp, invalid_list, true);
    mmu_pages_clear_parents(path);
  }
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
}

/** Syncs everything unsync below a page. When that is more than one batch, the lock is dropped in between if it may be. */
export function* mmu_sync_children(vcpu: KvmVcpu, parent: KvmMmuPage, can_yield: boolean): Step<void> {
  const { mmu_lock } = vcpu.kvm;
  let paths = yield* mmu_unsync_walk(vcpu.kvm, parent);
  while (paths.length > 0) {
    yield* sync_batch(vcpu, paths);
    paths = yield* mmu_unsync_walk(vcpu.kvm, parent);
    if (paths.length === 0) return;
    if (!can_yield) continue;
    // cond_resched_lock: somebody else may want the lock. What was found may be gone after that.
    yield* spin_unlock(mmu_lock);
    yield* spin_lock(mmu_lock);
    paths = yield* mmu_unsync_walk(vcpu.kvm, parent);
  }
}

/** Syncs everything that the roots of a vCPU reach. */
export function* mmu_sync_roots(vcpu: KvmVcpu): Step<void> {
  const { mmu } = vcpu.arch;
  const { oos } = vcpu.kvm.variant;
  if (mmu.direct_map || mmu.root_hpa === INVALID_PAGE) return;
  if (mmu.shadow_root_level === PT64_ROOT_LEVEL)
    yield* oos.sync_root(vcpu, page_header(mmu.root_hpa / 8), true);
  else
    for (let i = 0; i < 4; i++) {
      const root = machine.phys.$load((mmu.pae_root as Spt).at(i));
      if (root !== 0n) yield* oos.sync_root(vcpu, page_header(spte_to_pfn(root) * WORDS), true);
    }
  for (const o of vcpu.kvm.observers.rootsSynced) o(vcpu);
}

/** The guest flushes its whole TLB: what it has changed must show from now on. */
export function* kvm_mmu_sync_roots(vcpu: KvmVcpu): Step<void> {
  yield* spin_lock(vcpu.kvm.mmu_lock);
  yield* mmu_sync_roots(vcpu);
  yield* spin_unlock(vcpu.kvm.mmu_lock);
}
