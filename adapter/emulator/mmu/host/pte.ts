/** Entries of the page table of the process, small and huge. */
import { machine, READ_ONCE, type Step, spin_lock, spin_unlock, WRITE_ONCE } from '../../../machine/index.js';
import {
  kvm_mmu_notifier_invalidate_range_end,
  kvm_mmu_notifier_invalidate_range_start,
} from '../notifier.js';
import {
  _PAGE_PSE,
  type MmStruct,
  mk_pte,
  type Page,
  page,
  pfn_to_page,
  pte_huge,
  pte_pfn,
} from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { HPAGE_PMD_NR } from './frames.js';

export const HPAGE_SIZE = HPAGE_PMD_NR * 4096;
export const firstOf = (vpn: number): number => vpn - (vpn % HPAGE_PMD_NR);

/** Writes the entry of a page; for a huge one that of all 512, whose last access is the step. */
export function* set_pte(mm: MmStruct, vpn: number, pte: number): Step<void> {
  if (pte_huge(pte)) {
    const first = vpn - (vpn % HPAGE_PMD_NR);
    const pfn = pte_pfn(pte) - (vpn - first);
    for (let i = 0; i < HPAGE_PMD_NR; i++)
      if (first + i !== vpn) mm.pgd.$store(first + i, mk_pte(pfn + i, pte % 4096));
  }
  yield* WRITE_ONCE(mm.pgd, vpn, pte);
}

/** Makes pages of their own out of the frames of a huge page. */
function split_page(mm: MmStruct, first: number, huge: Page): void {
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const { PageDirty, PageAccessed, refcount } = huge;
    const p = machine.alloc(
      new page({ pfn: huge.pfn + i, hva: (first + i) * 4096, PageDirty, PageAccessed, refcount }),
    );
    mm.mem_map.put(p.pfn, p);
  }
}

/** Replaces a huge mapping by 512 small ones of the same frames. */
export function* __split_huge_page(kvm: Kvm, vpn: number): Step<void> {
  const { mm } = kvm;
  const first = firstOf(vpn);
  yield* kvm_mmu_notifier_invalidate_range_start(kvm, first * 4096, first * 4096 + HPAGE_SIZE);
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* READ_ONCE(mm.pgd, first);
  if (pte_huge(pte)) {
    for (let i = 1; i < HPAGE_PMD_NR; i++)
      mm.pgd.$store(first + i, mk_pte(pte_pfn(pte) + i, (pte % 4096) - _PAGE_PSE));
    yield* WRITE_ONCE(mm.pgd, first, pte - _PAGE_PSE);
    split_page(mm, first, pfn_to_page(mm, pte_pfn(pte)) as Page);
  }
  yield* spin_unlock(mm.page_table_lock);
  yield* kvm_mmu_notifier_invalidate_range_end(kvm);
}

/**
 * Takes the lock of the page table when the entry of a page is a small one: a huge mapping is split first. Returns the entry.
 */
export function* lock_small_pte(kvm: Kvm, vpn: number): Step<number> {
  const { mm } = kvm;
  for (;;) {
    yield* spin_lock(mm.page_table_lock);
    const pte = yield* READ_ONCE(mm.pgd, vpn);
    if (!pte_huge(pte)) return pte;
    yield* spin_unlock(mm.page_table_lock);
    yield* __split_huge_page(kvm, vpn);
  }
}
