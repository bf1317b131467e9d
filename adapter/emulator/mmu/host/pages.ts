/** What the host does to pages of the process: takes them away, brings them back, writes to them (specification, section 10.3). */
import {
  down_read,
  event_step,
  machine,
  READ_ONCE,
  type Step,
  spin_lock,
  spin_unlock,
  up_read,
  WORDS,
  WRITE_ONCE,
} from '../../../machine/index.js';
import { mark_page_dirty } from '../dirty.js';
import { hva_to_pfn } from '../gfn_to_pfn.js';
import { memory_written } from '../guest/memory.js';
import { load_word, store_word } from '../hw/memory.js';
import {
  kvm_mmu_notifier_clear_flush_young,
  kvm_mmu_notifier_invalidate_page,
  kvm_mmu_notifier_invalidate_range_end,
  kvm_mmu_notifier_invalidate_range_start,
  kvm_mmu_notifier_test_young,
} from '../notifier.js';
import { host_begin, operation_end } from '../operation.js';
import { srcu_read_lock, srcu_read_unlock } from '../srcu.js';
import {
  _PAGE_DIRTY,
  mk_pte,
  type Page,
  pfn_to_page,
  pte_dirty,
  pte_huge,
  pte_pfn,
  pte_present,
  pte_write,
} from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { find_vma, handle_mm_fault } from './fault.js';
import { copy_page, free_page, HPAGE_PMD_NR } from './frames.js';
import { firstOf, HPAGE_SIZE, lock_small_pte } from './pte.js';

/** Writes a page to swap if it was written since the last time. */
function writeback(kvm: Kvm, p: Page, vpn: number): void {
  if (p.PageDirty) {
    const words: [number, bigint][] = [];
    for (let i = 0; i < WORDS; i++) {
      const word = machine.phys.$get(p.pfn * WORDS + i);
      if (word !== 0n) words.push([i, word]);
    }
    kvm.mm.swap.put(vpn, words);
    p.PageDirty = false;
  }
  for (const o of kvm.observers.pageCleaned) o(p);
}

/** Discards a page of hugetlbfs, whole as it is. Returns false where the page is a small one. */
function* unmap_hugetlb(kvm: Kvm, vpn: number): Step<boolean> {
  const { mm } = kvm;
  const first = firstOf(vpn);
  if (!find_vma(mm, vpn * 4096)?.hugetlb || !pte_huge(mm.pgd.$load(first) as number)) return false;
  yield* kvm_mmu_notifier_invalidate_range_start(kvm, first * 4096, first * 4096 + HPAGE_SIZE);
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* READ_ONCE(mm.pgd, first);
  for (let i = 1; pte_huge(pte) && i < HPAGE_PMD_NR; i++) mm.pgd.$store(first + i, 0);
  if (pte_huge(pte)) yield* WRITE_ONCE(mm.pgd, first, 0);
  yield* spin_unlock(mm.page_table_lock);
  yield* kvm_mmu_notifier_invalidate_range_end(kvm);
  if (pte_huge(pte)) free_page(kvm, pfn_to_page(mm, pte_pfn(pte)) as Page);
  return true;
}

/**
 * Discards a page: `madvise(MADV_DONTNEED)`. What it held is lost; the next touch finds zeroes. The kernel holds `mmap_sem` only
 * for reading here, which excludes neither faults nor others who discard; so it is not taken.
 */
export function* host_unmap(kvm: Kvm, hva: number): Step<void> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  if (yield* unmap_hugetlb(kvm, vpn)) {
    operation_end(kvm, c);
    return;
  }
  yield* kvm_mmu_notifier_invalidate_range_start(kvm, vpn * 4096, vpn * 4096 + 4096);
  const pte = yield* lock_small_pte(kvm, vpn);
  yield* WRITE_ONCE(mm.pgd, vpn, 0);
  yield* spin_unlock(mm.page_table_lock);
  yield* kvm_mmu_notifier_invalidate_range_end(kvm);
  mm.swap.put(vpn, undefined);
  if (pte_present(pte)) free_page(kvm, pfn_to_page(mm, pte_pfn(pte)) as Page);
  operation_end(kvm, c);
}

/** Takes a page out of the page table, and tells the virtual machine. The lock of the page table is held. */
function* ptep_clear_flush_notify(kvm: Kvm, vpn: number): Step<void> {
  yield* WRITE_ONCE(kvm.mm.pgd, vpn, 0);
  yield* kvm_mmu_notifier_invalidate_page(kvm, vpn * 4096);
}

/** Reclaims a page. A page that nobody has told the host was written is dropped without being written to swap. */
export function* host_swap_out(kvm: Kvm, hva: number): Step<void> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  const pte = yield* lock_small_pte(kvm, vpn);
  if (pte_present(pte)) {
    yield* ptep_clear_flush_notify(kvm, vpn);
    const p = pfn_to_page(mm, pte_pfn(pte)) as Page;
    if (pte_dirty(pte)) p.PageDirty = true;
    yield* spin_unlock(mm.page_table_lock);
    writeback(kvm, p, vpn);
    free_page(kvm, p);
  } else yield* spin_unlock(mm.page_table_lock);
  operation_end(kvm, c);
}

/**
 * Writes a page back and keeps it, as `page_mkclean` and the write-out after it do.
 * @param notify whether the mappings of the guest go first, as they do in every kernel
 */
export function* host_writeback(kvm: Kvm, hva: number, notify: boolean): Step<void> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  const pte = yield* lock_small_pte(kvm, vpn);
  if (pte_present(pte)) {
    const p = pfn_to_page(mm, pte_pfn(pte)) as Page;
    if (notify) yield* ptep_clear_flush_notify(kvm, vpn);
    if (pte_dirty(pte)) p.PageDirty = true;
    yield* WRITE_ONCE(mm.pgd, vpn, pte - (pte & _PAGE_DIRTY));
    writeback(kvm, p, vpn);
  }
  yield* spin_unlock(mm.page_table_lock);
  operation_end(kvm, c);
}

/** Moves a page to another frame, as compaction does. Faults of the process wait for the end of it. */
export function* host_migrate_page(kvm: Kvm, hva: number): Step<void> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  const pte = yield* lock_small_pte(kvm, vpn);
  if (pte_present(pte)) {
    yield* ptep_clear_flush_notify(kvm, vpn);
    const old = pfn_to_page(mm, pte_pfn(pte)) as Page;
    const p = copy_page(mm, vpn, pte_pfn(pte));
    p.PageDirty = old.PageDirty;
    p.PageAccessed = old.PageAccessed;
    yield* WRITE_ONCE(mm.pgd, vpn, mk_pte(p.pfn, pte % 4096));
    free_page(kvm, old);
  }
  yield* spin_unlock(mm.page_table_lock);
  operation_end(kvm, c);
}

/** Brings a page into memory, as a read of the process would. */
export function* host_swap_in(kvm: Kvm, hva: number): Step<void> {
  const c = yield* host_begin(kvm);
  yield* down_read(kvm.mm.mmap_sem);
  yield* handle_mm_fault(kvm, hva, false);
  yield* up_read(kvm.mm.mmap_sem);
  operation_end(kvm, c);
}

/** Asks whether the guest has used a page since it was last asked. */
export function* host_age(kvm: Kvm, hva: number): Step<boolean> {
  const c = yield* host_begin(kvm);
  const young = yield* kvm_mmu_notifier_clear_flush_young(kvm, Math.floor(hva / 4096) * 4096);
  operation_end(kvm, c);
  return young;
}

/** The same, without forgetting it. */
export function* host_test_age(kvm: Kvm, hva: number): Step<boolean> {
  const c = yield* host_begin(kvm);
  const young = yield* kvm_mmu_notifier_test_young(kvm, Math.floor(hva / 4096) * 4096);
  operation_end(kvm, c);
  return young;
}

/** Stores a word through the mapping of the process: KVM does not see it, and logs it only if it is told. */
export function* host_write_guest(
  kvm: Kvm,
  gpa: number,
  hva: number,
  value: bigint,
  mark: boolean,
): Step<void> {
  const c = yield* host_begin(kvm);
  const idx = srcu_read_lock(kvm.srcu);
  const vpn = Math.floor(hva / 4096);
  let pfn: number;
  let pte: number;
  // A store of the process goes where its page table points in that moment.
  do {
    ({ pfn } = yield* hva_to_pfn(kvm, hva, true));
    yield* event_step('stores', machine.phys, pfn * WORDS + (hva % 4096) / 8);
    pte = kvm.mm.pgd.$load(vpn) as number;
  } while (!pte_present(pte) || !pte_write(pte) || pte_pfn(pte) !== pfn);
  store_word(pfn * WORDS + (hva % 4096) / 8, value);
  if (!pte_dirty(pte)) kvm.mm.pgd.$store(vpn, pte + _PAGE_DIRTY);
  for (const o of kvm.observers.hostStored) o(pfn);
  if (kvm.walk.paged) memory_written(kvm, pfn * WORDS + Math.floor((hva % 4096) / 8));
  if (mark) yield* mark_page_dirty(kvm, Math.floor(gpa / 4096));
  srcu_read_unlock(kvm.srcu, idx);
  operation_end(kvm, c);
}

/** Loads a word through the mapping of the process. */
export function* host_read_guest(kvm: Kvm, hva: number): Step<bigint> {
  const c = yield* host_begin(kvm);
  const { pfn } = yield* hva_to_pfn(kvm, hva, false);
  const value = load_word(pfn * WORDS + (hva % 4096) / 8);
  operation_end(kvm, c);
  return value;
}
