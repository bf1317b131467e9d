/** The host's own page faults: how a page of the process comes into memory. */
import {
  machine,
  READ_ONCE,
  type Step,
  spin_lock,
  spin_unlock,
  WORDS,
  WRITE_ONCE,
} from '../../../machine/index.js';
import { kvm_mmu_notifier_change_pte } from '../notifier.js';
import {
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
  type SwapEntry,
  type VmAreaStruct,
} from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { alloc_page, copy_page, free_page, HPAGE_PMD_NR } from './frames.js';
import { __split_huge_page, set_pte } from './pte.js';

/** The area that holds an address, or null. */
export function find_vma(mm: MmStruct, hva: number): VmAreaStruct | null {
  for (const vma of mm.mmap.items()) if (hva >= vma.vm_start && hva < vma.vm_end) return vma;
  return null;
}

/** Whether a huge page can be put around an address: aligned, inside the area, nothing of it mapped or in swap. */
function fits_huge(mm: MmStruct, vma: VmAreaStruct, vpn: number): boolean {
  const first = vpn - (vpn % HPAGE_PMD_NR);
  if (first * 4096 < vma.vm_start || (first + HPAGE_PMD_NR) * 4096 > vma.vm_end) return false;
  for (let i = first; i < first + HPAGE_PMD_NR; i++)
    if (mm.pgd.$get(i) !== 0 || mm.swap.get(i) !== undefined) return false;
  return true;
}

/** Fills a new page with what swap holds of it. */
function swap_readpage(mm: MmStruct, vpn: number, pfn: number): void {
  const saved: SwapEntry = mm.swap.get(vpn) ?? [];
  for (const [i, word] of saved) machine.phys.$store(pfn * WORDS + i, word);
}

/** First touch of a page that is not in memory. One that has come into memory meanwhile is left as it is. */
function* do_anonymous_page(kvm: Kvm, vma: VmAreaStruct, vpn: number, write: boolean): Step<void> {
  const { mm } = kvm;
  const huge = (vma.huge || vma.hugetlb) && fits_huge(mm, vma, vpn);
  const first = huge ? vpn - (vpn % HPAGE_PMD_NR) : vpn;
  const p = alloc_page(mm, first, huge ? 9 : 0);
  const bits = (huge ? _PAGE_PSE : 0) | (write || !vma.cow ? _PAGE_RW : 0);
  yield* spin_lock(mm.page_table_lock);
  if (huge ? !fits_huge(mm, vma, vpn) : pte_present(mm.pgd.$load(vpn) as number)) free_page(kvm, p);
  else {
    // Who swaps the page out holds the lock until its contents are in swap.
    if (!huge) swap_readpage(mm, vpn, p.pfn);
    yield* set_pte(mm, vpn, mk_pte(p.pfn + (vpn - first), bits));
  }
  yield* spin_unlock(mm.page_table_lock);
}

/** A write to a page that is mapped read-only: it is made writable in place when nobody else uses it, and copied otherwise. */
function* do_wp_page(kvm: Kvm, vpn: number): Step<void> {
  const { mm } = kvm;
  // Of a huge page that has other users only the small page that is written is copied.
  const before = pfn_to_page(mm, pte_pfn(mm.pgd.$get(vpn)));
  if (before !== undefined && before.order > 0 && before.refcount > 1) yield* __split_huge_page(kvm, vpn);
  yield* spin_lock(mm.page_table_lock);
  const pte = yield* READ_ONCE(mm.pgd, vpn);
  const busy = pte_huge(pte) && (pfn_to_page(mm, pte_pfn(pte)) as Page).refcount > 1;
  if (pte_present(pte) && !pte_write(pte) && !busy) {
    const old = pfn_to_page(mm, pte_pfn(pte)) as Page;
    if (old.refcount === 1) yield* set_pte(mm, vpn, pte + _PAGE_RW);
    else {
      const copy = copy_page(mm, vpn, pte_pfn(pte));
      old.refcount--;
      const entry = mk_pte(copy.pfn, _PAGE_RW);
      yield* WRITE_ONCE(mm.pgd, vpn, 0);
      yield* kvm_mmu_notifier_change_pte(kvm, vpn * 4096, entry);
      yield* set_pte(mm, vpn, entry);
    }
  }
  yield* spin_unlock(mm.page_table_lock);
}

/** Brings a page into memory, and makes it writable for a write. `mmap_sem` is held. */
export function* handle_mm_fault(kvm: Kvm, hva: number, write: boolean): Step<void> {
  const vpn = Math.floor(hva / 4096);
  const pte = yield* READ_ONCE(kvm.mm.pgd, vpn);
  if (!pte_present(pte)) yield* do_anonymous_page(kvm, find_vma(kvm.mm, hva) as VmAreaStruct, vpn, write);
  else if (write && !pte_write(pte)) yield* do_wp_page(kvm, vpn);
}
