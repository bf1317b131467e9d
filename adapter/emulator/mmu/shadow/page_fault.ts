/** Page faults of guests whose page tables are shadowed (specification, section 8.3). */
import { READ_ONCE, read64, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { KVM_PAGES_PER_HPAGE, PT_DIRECTORY_LEVEL, PT_PAGE_TABLE_LEVEL, spte_to_pfn } from '../bits.js';
import {
  direct_pte_prefetch,
  mapping_level,
  notifier_has_run,
  slow_path_done,
  transparent_hugepage_adjust,
} from '../direct_map.js';
import { PFERR_FETCH_MASK, PFERR_USER_MASK, PFERR_WRITE_MASK } from '../fast_page_fault.js';
import { gfn_to_pfn_memslot, is_noslot_pfn } from '../gfn_to_pfn.js';
import { is_global_gpte } from '../guest/gpte.js';
import { guest_format } from '../guest/init_mmu.js';
import { kvm_read_guest_atomic } from '../guest/memory.js';
import { type GuestWalker, walk_addr } from '../guest/walk_addr.js';
import { shadow_entry, shadow_walk_init } from '../lockless_walk.js';
import { mmu_topup_memory_caches } from '../memory_cache.js';
import { kvm_memslots, memslot_is_visible, search_memslots } from '../memslot.js';
import { kvm_mmu_get_page, kvm_mmu_put_page, link_shadow_page } from '../mmu_page.js';
import { type Asker, type Mapping, mmu_set_spte } from '../set_spte.js';
import { drop_large_spte, peek_spte } from '../spte.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { page_header } from '../structures/spt.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { CREATED, FOUND, LINKED, ROOT } from '../variants/gpte_check.js';
import { kvm_mmu_free_some_pages } from '../zap.js';
import { PTE_PREFETCH_NUM, prefetch_gpte } from './prefetch.js';

/** Tells the guest of a page fault: it gets it with the next entry. */
export function inject_page_fault(vcpu: KvmVcpu, addr: number, error_code: number): void {
  vcpu.stat.pf_guest++;
  vcpu.kvm.emulator_stat.exits_by_reason.guest_pf++;
  vcpu.arch.cr2 = addr;
  vcpu.arch.exception.pending = true;
  vcpu.arch.exception.error_code = error_code;
}

/**
 * Whether an entry that the walk read without the lock is still what it was; under the lock, after its table was protected.
 * For a table of level 1 the group of entries around it is read as well, and returned for prefetching.
 */
function* gpte_changed(
  vcpu: KvmVcpu,
  gw: GuestWalker,
  level: number,
  prefetch_ptes: bigint[],
): Step<boolean> {
  const { bytes } = guest_format(vcpu).type;
  const gpa = gw.pte_gpa[level - 1] as number;
  if (level !== PT_PAGE_TABLE_LEVEL) {
    const curr_pte = yield* kvm_read_guest_atomic(vcpu.kvm, gpa, bytes);
    return curr_pte !== gw.ptes[level - 1];
  }
  const mask = PTE_PREFETCH_NUM * bytes;
  const base_gpa = gpa - (gpa % mask);
  for (let i = 0; i < PTE_PREFETCH_NUM; i++) {
    const pte = yield* kvm_read_guest_atomic(vcpu.kvm, base_gpa + i * bytes, bytes);
    if (pte === undefined) return true;
    prefetch_ptes.push(pte);
  }
  return prefetch_ptes[(gpa - base_gpa) / bytes] !== gw.ptes[level - 1];
}

/** What a fault wants to be mapped. */
interface Wanted {
  readonly addr: number;
  readonly asker: Asker;
  /** Size of the page that maps it, as a level; at most that of the guest's page. */
  readonly mapping: Mapping;
}

/** Whether an entry holds something that the hardware can go through. */
const present = (vcpu: KvmVcpu, sptep: number): boolean =>
  vcpu.kvm.bits.is_shadow_present_pte(peek_spte(sptep));

/**
 * Builds the shadow tables of an address down to its page, and maps that. Gives up, for the guest to try again, when an entry of
 * the guest is not any more what the walk has read.
 * @returns whether the access has to be emulated
 */
function* fetch(vcpu: KvmVcpu, gw: GuestWalker, { addr, asker, mapping }: Wanted): Step<boolean> {
  const { kvm } = vcpu;
  const { gpte_check, put_on_fail } = kvm.variant;
  // The highest entry was read without the lock. Its table is the root's, which has been write-protected ever since.
  const top_level = Math.max(vcpu.arch.mmu.root_level === 3 ? 2 : vcpu.arch.mmu.root_level, 1);
  const prefetch_ptes: bigint[] = [];
  // What is reached through a page that several roots share belongs to none of them.
  let multiroot = false;
  if (gpte_check === ROOT && (yield* gpte_changed(vcpu, gw, top_level, prefetch_ptes))) return false;

  if (kvm.variant.root_check(vcpu.arch.mmu.root_hpa)) return false;
  const start = shadow_walk_init(vcpu, addr);
  let { table, level } = start;
  let sptep = shadow_entry(table, addr, level);
  if (level === 0) return false;
  for (; level > gw.level; level--, sptep = shadow_entry(table, addr, level)) {
    const parent = page_header(sptep);
    if (parent.write_flooding_count > 0) parent.write_flooding_count = 0;
    yield* drop_large_spte(vcpu, sptep);
    const table_gfn = gw.table_gfn[level - 2] as number;
    yield* kvm.variant.child_reuse(vcpu, sptep, table_gfn, false);
    let sp: KvmMmuPage | null = null;
    let reached = LINKED;
    if (!present(vcpu, sptep)) {
      const access = kvm.variant.pt_access(gw, level);
      const before = kvm.stat.mmu_cache_miss;
      const root_gfn = multiroot ? -1 : (gw.table_gfn[gw.root_level - 1] as number);
      sp = yield* kvm_mmu_get_page(vcpu, table_gfn, addr, level - 1, false, access, sptep, root_gfn);
      if (sp.root_gfn === -1) multiroot = true;
      reached = kvm.stat.mmu_cache_miss === before ? FOUND : CREATED;
      yield* kvm.variant.oos.linking(vcpu, sp);
    }
    prefetch_ptes.length = 0;
    if (reached >= gpte_check && (yield* gpte_changed(vcpu, gw, level - 1, prefetch_ptes))) {
      if (sp !== null && put_on_fail) kvm_mmu_put_page(sp, sptep);
      return false;
    }
    if (sp !== null) yield* link_shadow_page(kvm, sptep, sp);
    table = spte_to_pfn(peek_spte(sptep)) * 4096;
  }
  const direct_access = kvm.variant.direct_key(gw);
  for (; level > mapping.level; level--, sptep = shadow_entry(table, addr, level)) {
    const parent = page_header(sptep);
    if (parent.write_flooding_count > 0) parent.write_flooding_count = 0;
    yield* kvm.variant.direct_validate(vcpu, sptep, direct_access);
    yield* drop_large_spte(vcpu, sptep);
    const direct_gfn = gw.gfn - (gw.gfn % KVM_PAGES_PER_HPAGE(level));
    yield* kvm.variant.child_reuse(vcpu, sptep, direct_gfn, true);
    if (!present(vcpu, sptep)) {
      const sp = yield* kvm_mmu_get_page(vcpu, direct_gfn, addr, level - 1, true, direct_access, sptep);
      yield* link_shadow_page(kvm, sptep, sp);
    }
    table = spte_to_pfn(peek_spte(sptep)) * 4096;
  }
  const sp = page_header(sptep);
  if (sp.write_flooding_count > 0) sp.write_flooding_count = 0;
  const emulate = yield* mmu_set_spte(vcpu, sptep, mapping, asker);
  yield* pte_prefetch(vcpu, sptep, prefetch_ptes);
  return emulate;
}

/** Maps the absent neighbours of an entry whose frames are at hand. */
function* pte_prefetch(vcpu: KvmVcpu, sptep: number, prefetch_ptes: readonly bigint[]): Step<void> {
  const { kvm } = vcpu;
  const sp = page_header(sptep);
  if (sp.level > PT_PAGE_TABLE_LEVEL || !kvm.variant.pte_prefetch) return;
  if (sp.direct) return yield* direct_pte_prefetch(vcpu, sptep);
  // Entries that nobody has read under the lock are not fit for it.
  if (prefetch_ptes.length === 0) return;
  const first = sptep - (sptep % PTE_PREFETCH_NUM);
  for (let i = 0; i < PTE_PREFETCH_NUM; i++) {
    const other_sptep = first + i;
    if (other_sptep === sptep || kvm.bits.is_shadow_present_pte(yield* read64(other_sptep))) continue;
    if (!(yield* prefetch_gpte(vcpu, sp, other_sptep, prefetch_ptes[i] as bigint, true))) return;
  }
}

/**
 * A fault of a guest with page tables of its own (`paging64_page_fault`, `paging32_page_fault`): walks them, and either tells the
 * guest of the fault, or installs what the hardware lacks.
 * @returns whether the access has to be emulated
 */
export function* paging_page_fault(vcpu: KvmVcpu, addr: number, error_code: number): Step<boolean> {
  const { kvm } = vcpu;
  const write_fault = (error_code & PFERR_WRITE_MASK) !== 0;
  const user_fault = (error_code & PFERR_USER_MASK) !== 0;
  mmu_topup_memory_caches(vcpu);
  const walker = yield* walk_addr(
    vcpu,
    guest_format(vcpu),
    addr,
    error_code & (PFERR_WRITE_MASK | PFERR_USER_MASK | PFERR_FETCH_MASK),
  );
  if (walker.fault >= 0) {
    inject_page_fault(vcpu, addr, walker.fault);
    return false;
  }

  const slot = search_memslots(yield* kvm_memslots(kvm), walker.gfn);
  const logged = !memslot_is_visible(slot) || slot.dirty_bitmap !== null;
  const force_pt_level = walker.level < PT_DIRECTORY_LEVEL || logged;
  const level = force_pt_level
    ? PT_PAGE_TABLE_LEVEL
    : Math.min(walker.level, yield* mapping_level(kvm, slot as KvmMemorySlot, walker.gfn));

  if (kvm.variant.fpf_scope && (yield* kvm.variant.fpf(vcpu, addr, level, error_code))) return false;

  const mmu_seq = yield* READ_ONCE(kvm, 'mmu_notifier_seq');
  const { pfn, map_writable } = yield* gfn_to_pfn_memslot(kvm, slot, walker.gfn, write_fault);
  const { ro_host_in_large, wp0_write } = kvm.variant;
  if (!is_noslot_pfn(pfn))
    walker.pte_access = wp0_write(vcpu, ro_host_in_large(walker.pte_access, map_writable), error_code);
  if (is_noslot_pfn(pfn)) vcpu_cache_mmio_info(vcpu, addr, walker.gfn, walker.pte_access);
  const offset = is_noslot_pfn(pfn) ? 0 : walker.gfn % KVM_PAGES_PER_HPAGE(level);
  let mapping: Mapping = {
    pte_access: walker.pte_access,
    level,
    gfn: walker.gfn - offset,
    pfn: pfn - offset,
    speculative: false,
    host_writable: map_writable,
    global: is_global_gpte(walker.ptes[walker.level - 1] as bigint),
  };

  yield* spin_lock(kvm.mmu_lock);
  if (yield* notifier_has_run(kvm, mmu_seq)) {
    yield* spin_unlock(kvm.mmu_lock);
    return false;
  }
  yield* kvm_mmu_free_some_pages(kvm);
  if (!force_pt_level) mapping = yield* transparent_hugepage_adjust(kvm, slot as KvmMemorySlot, mapping);
  const asker = { write_fault, user_fault, can_unsync: true };
  const emulate = yield* fetch(vcpu, walker, { addr, asker, mapping });
  vcpu.stat.pf_fixed++;
  yield* spin_unlock(kvm.mmu_lock);
  return slow_path_done(kvm, emulate);
}

/** Remembers an address that no memory slot has. */
export function vcpu_cache_mmio_info(vcpu: KvmVcpu, gva: number, gfn: number, access: number): void {
  vcpu.arch.mmio_gva = gva - (gva % 4096);
  vcpu.arch.mmio_access = access;
  vcpu.arch.mmio_gfn = gfn;
}
