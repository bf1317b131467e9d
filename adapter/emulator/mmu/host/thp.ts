/** Huge pages of the host coming and going, pages becoming read-only, pages being exchanged. */
import {
  down_write,
  READ_ONCE,
  type Step,
  spin_lock,
  spin_unlock,
  up_write,
  WRITE_ONCE,
} from '../../../machine/index.js';
import {
  kvm_mmu_notifier_change_pte,
  kvm_mmu_notifier_invalidate_range_end,
  kvm_mmu_notifier_invalidate_range_start,
} from '../notifier.js';
import { host_begin, operation_end } from '../operation.js';
import {
  _PAGE_DIRTY,
  _PAGE_PSE,
  _PAGE_RW,
  type MmStruct,
  mk_pte,
  type Page,
  pfn_to_page,
  pte_huge,
  pte_pfn,
  pte_present,
  pte_write,
} from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { alloc_page, copy_frame, copy_page, free_page, HPAGE_PMD_NR } from './frames.js';
import { __split_huge_page, firstOf, HPAGE_SIZE, lock_small_pte, set_pte } from './pte.js';

/** The host splits a huge page. */
export function* host_split(kvm: Kvm, hva: number): Step<void> {
  const c = yield* host_begin(kvm);
  yield* __split_huge_page(kvm, Math.floor(hva / 4096));
  operation_end(kvm, c);
}

/** The host replaces the small pages of an aligned range by a huge one, as khugepaged does. */
export function* host_collapse(kvm: Kvm, hva: number): Step<void> {
  const { mm } = kvm;
  const first = firstOf(Math.floor(hva / 4096));
  const c = yield* host_begin(kvm);
  yield* down_write(mm.mmap_sem);
  yield* kvm_mmu_notifier_invalidate_range_start(kvm, first * 4096, first * 4096 + HPAGE_SIZE);
  yield* spin_lock(mm.page_table_lock);
  if (!pte_huge(yield* READ_ONCE(mm.pgd, first))) {
    const old = collect(mm, first);
    const huge = alloc_page(mm, first, 9);
    for (const [vpn, p] of old) {
      copy_frame(huge.pfn + vpn - first, p.pfn);
      huge.PageDirty = true;
    }
    yield* set_pte(mm, first, mk_pte(huge.pfn, _PAGE_RW | _PAGE_PSE));
    for (const [vpn, p] of old) {
      mm.swap.put(vpn, undefined);
      free_page(kvm, p);
    }
  }
  yield* spin_unlock(mm.page_table_lock);
  yield* kvm_mmu_notifier_invalidate_range_end(kvm);
  yield* up_write(mm.mmap_sem);
  operation_end(kvm, c);
}

/** The pages that are mapped in an aligned range. */
function collect(mm: MmStruct, first: number): [vpn: number, page: Page][] {
  const pages: [number, Page][] = [];
  for (let vpn = first; vpn < first + HPAGE_PMD_NR; vpn++) {
    const pte = mm.pgd.$load(vpn) as number;
    if (pte_present(pte)) pages.push([vpn, pfn_to_page(mm, pte_pfn(pte)) as Page]);
  }
  return pages;
}

/** The host makes a page read-only. @param shared it has another user from now on (fork), so that the next write copies it */
export function* host_make_readonly(kvm: Kvm, hva: number, shared: boolean): Step<void> {
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  for (let done = false; !done; ) done = yield* write_protect_page(kvm, vpn, shared);
  operation_end(kvm, c);
}

/** Write-protects a page, or all of the huge page that it is in. False when it has become huge, or small, meanwhile. */
function* write_protect_page(kvm: Kvm, vpn: number, shared: boolean): Step<boolean> {
  const { mm } = kvm;
  const huge = pte_huge(mm.pgd.$get(vpn));
  const start = (huge ? firstOf(vpn) : vpn) * 4096;
  yield* kvm_mmu_notifier_invalidate_range_start(kvm, start, start + (huge ? HPAGE_SIZE : 4096));
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* READ_ONCE(mm.pgd, vpn);
  const same = pte_huge(pte) === huge;
  if (same && pte_present(pte)) {
    if (shared) (pfn_to_page(mm, pte_pfn(pte)) as Page).refcount++;
    if (pte_write(pte)) yield* set_pte(mm, vpn, pte - _PAGE_RW);
  }
  yield* spin_unlock(mm.page_table_lock);
  yield* kvm_mmu_notifier_invalidate_range_end(kvm);
  return same;
}

/** The host puts another frame with the same contents behind a page: merged with an equal one (read-only), or copied. */
export function* host_change_pte(kvm: Kvm, hva: number, readonly: boolean): Step<void> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  const c = yield* host_begin(kvm);
  const pte = yield* lock_small_pte(kvm, vpn);
  if (pte_present(pte)) {
    const old = pfn_to_page(mm, pte_pfn(pte)) as Page;
    yield* WRITE_ONCE(mm.pgd, vpn, 0);
    // First nobody may write any more: only then can the contents be copied.
    if (pte_write(pte)) yield* kvm_mmu_notifier_change_pte(kvm, vpn * 4096, pte - _PAGE_RW);
    const p = copy_page(mm, vpn, pte_pfn(pte));
    p.PageDirty = old.PageDirty || (pte & _PAGE_DIRTY) !== 0;
    // A page that is merged with others has other users.
    if (readonly) p.refcount = 2;
    const entry = mk_pte(p.pfn, readonly ? 0 : _PAGE_RW);
    yield* kvm_mmu_notifier_change_pte(kvm, vpn * 4096, entry);
    yield* set_pte(mm, vpn, entry);
    free_page(kvm, old);
  }
  yield* spin_unlock(mm.page_table_lock);
  operation_end(kvm, c);
}
