/** Page faults of direct maps, slow path (specification, section 8.1). */
import { READ_ONCE, read64, type Step, spin_lock, spin_unlock, WORDS } from '../../machine/index.js';
import {
  is_large_pte,
  KVM_PAGES_PER_HPAGE,
  PT_DIRECTORY_LEVEL,
  PT_PAGE_TABLE_LEVEL,
  spte_to_pfn,
} from './bits.js';
import { PFERR_WRITE_MASK } from './fast_page_fault.js';
import {
  gfn_to_hva_memslot,
  gfn_to_pfn_memslot,
  hva_to_pfn_atomic,
  is_noslot_pfn,
  type Resolved,
} from './gfn_to_pfn.js';
import { find_vma } from './host/fault.js';
import { shadow_entry, shadow_walk_init } from './lockless_walk.js';
import { mmu_topup_memory_caches } from './memory_cache.js';
import { gfn_to_memslot_unsafe, kvm_memslots, memslot_is_visible, search_memslots } from './memslot.js';
import { kvm_mmu_get_page, link_shadow_page } from './mmu_page.js';
import { kvm_mmu_page_get_gfn } from './rmap.js';
import { has_wrprotected_page, type Mapping, mmu_set_spte, SPECULATIVE } from './set_spte.js';
import { peek_spte } from './spte.js';
import { pfn_to_page } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import { ACC_ALL, type KvmMmuPage } from './structures/mmu_page.js';
import { page_header } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';

/** Neighbours that one fault may map along. */
const PTE_PREFETCH_NUM = 8;

/** Size of the pages that the host maps behind a frame, as a level. */
function host_mapping_level(kvm: Kvm, slot: KvmMemorySlot, gfn: number): number {
  const vma = find_vma(kvm.mm, gfn_to_hva_memslot(slot, gfn));
  return vma?.hugetlb ? PT_DIRECTORY_LEVEL : PT_PAGE_TABLE_LEVEL;
}

/** The largest level at which a frame can be mapped. */
export function* mapping_level(kvm: Kvm, slot: KvmMemorySlot, gfn: number): Step<number> {
  const host_level = host_mapping_level(kvm, slot, gfn);
  let level = PT_DIRECTORY_LEVEL;
  for (; level <= host_level; level++) if (yield* has_wrprotected_page(gfn, slot, level)) break;
  return level - 1;
}

/** Maps 2 MiB when the host has put a huge page there and nothing in the frame forbids it. */
export function* transparent_hugepage_adjust(kvm: Kvm, slot: KvmMemorySlot, m: Mapping): Step<Mapping> {
  const page = pfn_to_page(kvm.mm, m.pfn);
  if (m.level !== PT_PAGE_TABLE_LEVEL || page === undefined || page.order === 0) return m;
  const pte = kvm.mm.pgd.$get(Math.floor(gfn_to_hva_memslot(slot, m.gfn) / 4096));
  if ((pte & 0x80) === 0 || (yield* has_wrprotected_page(m.gfn, slot, PT_DIRECTORY_LEVEL))) return m;
  const offset = m.gfn % KVM_PAGES_PER_HPAGE(PT_DIRECTORY_LEVEL);
  return { ...m, level: PT_DIRECTORY_LEVEL, gfn: m.gfn - offset, pfn: m.pfn - offset };
}

/** Maps the absent neighbours of an entry whose frames are at hand. */
export function* direct_pte_prefetch(vcpu: KvmVcpu, sptep: number): Step<void> {
  const { kvm } = vcpu;
  const sp = page_header(sptep);
  // Without an accessed bit nobody could tell a prefetched mapping from a used one.
  if (kvm.bits.shadow_accessed_mask === 0n || sp.level > PT_PAGE_TABLE_LEVEL) return;
  if (!kvm.variant.pte_prefetch) return;
  const start_sptep = sptep - (sptep % PTE_PREFETCH_NUM);
  for (let other_sptep = start_sptep; other_sptep < start_sptep + PTE_PREFETCH_NUM; other_sptep++) {
    if (other_sptep === sptep || kvm.bits.is_shadow_present_pte(yield* read64(other_sptep))) continue;
    const gfn = kvm_mmu_page_get_gfn(sp, other_sptep % WORDS);
    const slot = gfn_to_memslot_unsafe(kvm, gfn);
    // With dirty logging a writable mapping must not appear before somebody stores.
    if (!memslot_is_visible(slot) || slot.dirty_bitmap !== null) return;
    const pfn = yield* hva_to_pfn_atomic(kvm, gfn_to_hva_memslot(slot, gfn));
    if (pfn < 0) return;
    yield* mmu_set_spte(
      vcpu,
      other_sptep,
      { pte_access: sp.access, level: sp.level, gfn, pfn, speculative: true, host_writable: true },
      SPECULATIVE,
    );
  }
}

/** Walks down to the level of a mapping, building tables on the way, and installs it. Returns whether to emulate the access. */
function* __direct_map(vcpu: KvmVcpu, write: boolean, m: Mapping): Step<boolean> {
  const { kvm } = vcpu;
  if (kvm.variant.root_check(vcpu.arch.mmu.root_hpa)) return false;
  const addr = m.gfn * 4096;
  const start = shadow_walk_init(vcpu, addr);
  let { table } = start;
  for (let { level } = start; ; level--) {
    const sptep = shadow_entry(table, addr, level);
    if (level === m.level) {
      const emulate = yield* mmu_set_spte(vcpu, sptep, m, {
        write_fault: write,
        user_fault: false,
        can_unsync: true,
      });
      yield* direct_pte_prefetch(vcpu, sptep);
      vcpu.stat.pf_fixed++;
      return emulate;
    }
    yield* kvm.variant.ro_large(vcpu, sptep);
    const spte = yield* read64(sptep);
    if (!kvm.bits.is_shadow_present_pte(spte)) {
      const gfn = m.gfn - (m.gfn % KVM_PAGES_PER_HPAGE(level));
      const sp: KvmMmuPage = yield* kvm_mmu_get_page(vcpu, gfn, addr, level - 1, true, ACC_ALL, sptep);
      yield* link_shadow_page(kvm, sptep, sp);
    } else if (is_large_pte(spte)) return false;
    table = spte_to_pfn(peek_spte(sptep)) * 4096;
  }
}

/** What a direct map knows of a frame before it looks for the host's page. */
interface Placed {
  readonly slot: KvmMemorySlot | null;
  readonly force_pt_level: boolean;
  readonly level: number;
}

/** The slot of a frame, and the largest page that may map it. */
function* place(kvm: Kvm, gfn: number): Step<Placed> {
  const slots = yield* kvm_memslots(kvm);
  const slot = search_memslots(slots, gfn);
  const force_pt_level = !memslot_is_visible(slot) || slot.dirty_bitmap !== null;
  const level = force_pt_level ? PT_PAGE_TABLE_LEVEL : yield* mapping_level(kvm, slot as KvmMemorySlot, gfn);
  return { slot, force_pt_level, level };
}

/** The mapping of a frame by a page of a level. */
function direct_mapping(gfn: number, level: number, { pfn, map_writable }: Resolved): Mapping {
  const offset = is_noslot_pfn(pfn) ? 0 : gfn % KVM_PAGES_PER_HPAGE(level);
  return {
    pte_access: ACC_ALL,
    level,
    gfn: gfn - offset,
    pfn: pfn - offset,
    speculative: false,
    host_writable: map_writable,
  };
}

/** Finds the page of a fault. What the kernel does while one is brought into memory can drop the root of the vCPU. */
function* try_async_pf(
  vcpu: KvmVcpu,
  slot: KvmMemorySlot | null,
  gfn: number,
  write: boolean,
): Step<Resolved> {
  const { kvm } = vcpu;
  const resets = kvm.variant.fault_resets_root;
  if (resets === null || !memslot_is_visible(slot)) return yield* gfn_to_pfn_memslot(kvm, slot, gfn, write);
  const missing = (yield* hva_to_pfn_atomic(kvm, gfn_to_hva_memslot(slot, gfn))) < 0;
  const resolved = yield* gfn_to_pfn_memslot(kvm, slot, gfn, write);
  if (missing) yield* resets(vcpu);
  return resolved;
}

/** Whether the fault has to start again because an mmu notifier has run since `mmu_seq` was read. `mmu_lock` is held. */
export function* notifier_has_run(kvm: Kvm, mmu_seq: number): Step<boolean> {
  const retry = yield* kvm.variant.notifier_retry(kvm, mmu_seq);
  if (retry) kvm.emulator_stat.exits_by_reason.retry_pf++;
  return retry;
}

/** The fault was dealt with under `mmu_lock`, unless the access has to be emulated for it. */
export function slow_path_done(kvm: Kvm, emulate: boolean): boolean {
  if (!emulate) kvm.emulator_stat.exits_by_reason.slow_pf++;
  return emulate;
}

/**
 * A fault of a guest whose physical addresses are translated by the hardware.
 * @returns whether the access has to be emulated
 */
export function* tdp_page_fault(vcpu: KvmVcpu, gpa: number, error_code: number): Step<boolean> {
  const { kvm } = vcpu;
  const write = (error_code & PFERR_WRITE_MASK) !== 0;
  const gfn = Math.floor(gpa / 4096);
  mmu_topup_memory_caches(vcpu);

  const { slot, force_pt_level, level } = yield* place(kvm, gfn);
  if (yield* kvm.variant.fpf(vcpu, gpa, level, error_code)) return false;

  yield* kvm.variant.free_before_lock.unlocked(kvm);
  const mmu_seq = yield* READ_ONCE(kvm, 'mmu_notifier_seq');
  let m = direct_mapping(gfn, level, yield* try_async_pf(vcpu, slot, gfn, write));

  yield* spin_lock(kvm.mmu_lock);
  if (yield* notifier_has_run(kvm, mmu_seq)) {
    yield* spin_unlock(kvm.mmu_lock);
    return false;
  }
  yield* kvm.variant.free_before_lock.locked(kvm);
  if (!force_pt_level) m = yield* transparent_hugepage_adjust(kvm, slot as KvmMemorySlot, m);
  const emulate = yield* __direct_map(vcpu, write, m);
  yield* spin_unlock(kvm.mmu_lock);
  return slow_path_done(kvm, emulate);
}

/** The same for a guest that has paging off, whose virtual addresses are physical ones. */
function* nonpaging_map(vcpu: KvmVcpu, v: number, error_code: number): Step<boolean> {
  const { kvm } = vcpu;
  const write = (error_code & PFERR_WRITE_MASK) !== 0;
  const gfn = Math.floor(v / 4096);

  const { slot, force_pt_level, level } = yield* place(kvm, gfn);
  if (yield* kvm.variant.fpf(vcpu, v, level, error_code)) return false;

  yield* kvm.variant.free_before_lock.unlocked(kvm);
  const mmu_seq = yield* READ_ONCE(kvm, 'mmu_notifier_seq');
  let m = direct_mapping(gfn, level, yield* try_async_pf(vcpu, slot, gfn, write));

  yield* spin_lock(kvm.mmu_lock);
  if (yield* notifier_has_run(kvm, mmu_seq)) {
    yield* spin_unlock(kvm.mmu_lock);
    return false;
  }
  yield* kvm.variant.free_before_lock.locked(kvm);
  if (!force_pt_level) m = yield* transparent_hugepage_adjust(kvm, slot as KvmMemorySlot, m);
  const emulate = yield* __direct_map(vcpu, write, m);
  yield* spin_unlock(kvm.mmu_lock);
  return slow_path_done(kvm, emulate);
}

/** A fault of a guest that has paging off. */
export function* nonpaging_page_fault(vcpu: KvmVcpu, gva: number, error_code: number): Step<boolean> {
  mmu_topup_memory_caches(vcpu);
  return yield* nonpaging_map(vcpu, gva, error_code);
}
