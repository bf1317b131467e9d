/** Shadow pages that may lag behind the guest, and how they are found from above (specification, section 9.4). `mmu_lock` is held. */
import { type Bitmap, machine, read64, type Step, WORDS, write64 } from '../../../machine/index.js';
import { spte_to_pfn } from '../bits.js';
import { KVM_MMU_SYNC_PAGE, KVM_MMU_UNSYNC_PAGE } from '../events.js';
import { pte_list_items } from '../pte_list.js';
import { peek_spte } from '../spte.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { page_header } from '../structures/spt.js';
import { WARN_ON } from '../warn.js';

/** Paths that one walk collects. */
export const KVM_PAGE_ARRAY_NR = 16;

const test = (sp: KvmMmuPage, i: number): boolean => (sp.unsync_child_bitmap as Bitmap).test(i);
function put(sp: KvmMmuPage, i: number, on: boolean): void {
  const bitmap = sp.unsync_child_bitmap as Bitmap;
  const word = bitmap.at(Math.floor(i / 64));
  const bit = 1n << BigInt(i % 64);
  bitmap.put(Math.floor(i / 64), on ? word | bit : word & ~bit);
}

/** Notes in all pages above that there is something to sync below. */
export function kvm_mmu_mark_parents_unsync(sp: KvmMmuPage): void {
  for (const sptep of pte_list_items(sp.parent_ptes)) mark_unsync(sptep);
}

function mark_unsync(sptep: number): void {
  const sp = page_header(sptep);
  const index = sptep % 512;
  if (test(sp, index)) return;
  put(sp, index, true);
  sp.unsync_children++;
  if (sp.unsync_children === 1) kvm_mmu_mark_parents_unsync(sp);
}

/** Makes all faults of a page exit, also those of entries that are absent in the guest. */
export function* mmu_convert_notrap(kvm: Kvm, sp: KvmMmuPage): Step<void> {
  const { bypass_guest_pf, shadow_trap_nonpresent_pte, shadow_notrap_nonpresent_pte } = kvm.bits;
  if (!bypass_guest_pf) return;
  for (let i = 0; i < WORDS; i++)
    if (peek_spte(sp.spt.at(i)) === shadow_notrap_nonpresent_pte)
      yield* write64(sp.spt.at(i), shadow_trap_nonpresent_pte);
}

/** A page goes unsync: its guest table becomes writable. `mark`: the pages above are told. */
export function* __kvm_unsync_page(kvm: Kvm, sp: KvmMmuPage, mark = true): Step<void> {
  if (machine.wants(KVM_MMU_UNSYNC_PAGE))
    machine.emit(KVM_MMU_UNSYNC_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync]);
  kvm.stat.mmu_unsync++;
  sp.unsync = true;
  if (mark) kvm_mmu_mark_parents_unsync(sp);
  yield* kvm.variant.notrap_unsync(kvm, sp);
  for (const o of kvm.observers.tableChanged) o(sp);
}

/** It is in sync again, or goes away. */
export function kvm_unlink_unsync_page(kvm: Kvm, sp: KvmMmuPage): void {
  WARN_ON(!sp.unsync, 'kvm_unlink_unsync_page: the page is not unsync');
  if (machine.wants(KVM_MMU_SYNC_PAGE))
    machine.emit(KVM_MMU_SYNC_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync]);
  sp.unsync = false;
  kvm.stat.mmu_unsync--;
  for (const o of kvm.observers.tableChanged) o(sp);
}

/** A page that a walk has met, and the entry that it came through. */
export interface PathElement {
  readonly sp: KvmMmuPage;
  readonly idx: number;
}
/** A page to be synced, with the pages above it from the root of the walk on. */
export interface UnsyncPath {
  readonly sp: KvmMmuPage;
  readonly parents: readonly PathElement[];
}

/** What a walk has collected; `elements` counts the pages that were met on the way as well. */
interface Pages {
  readonly found: UnsyncPath[];
  elements: number;
}
const full = (pages: Pages): boolean => pages.elements >= KVM_PAGE_ARRAY_NR;

/** Collects unsync pages below `sp` along the marked entries, and takes marks off that lead nowhere. Returns whether it found any. */
function* __mmu_unsync_walk(
  kvm: Kvm,
  sp: KvmMmuPage,
  above: readonly PathElement[],
  pages: Pages,
): Step<boolean> {
  const before = pages.found.length;
  const marked = (sp.unsync_child_bitmap as Bitmap).ones();
  for (let k = 0; k < marked.length && !full(pages); k++) {
    const idx = marked[k] as number;
    const spte = yield* read64(sp.spt.at(idx));
    const child =
      kvm.bits.is_shadow_present_pte(spte) && !kvm.variant.walk_large(kvm, spte)
        ? (machine.phys.frame(spte_to_pfn(spte))?.owner as unknown as KvmMmuPage)
        : null;
    const parents = [...above, { sp, idx }];
    if (child !== null && child.unsync_children > 0) {
      pages.elements++;
      if (full(pages) || (yield* __mmu_unsync_walk(kvm, child, parents, pages))) continue;
    } else if (child?.unsync) {
      pages.elements++;
      pages.found.push({ sp: child, parents });
      continue;
    }
    put(sp, idx, false);
    sp.unsync_children--;
  }
  return pages.found.length > before || full(pages);
}

/** Unsync pages below `parent`; when there are many, some of them. */
export function* mmu_unsync_walk(kvm: Kvm, parent: KvmMmuPage): Step<readonly UnsyncPath[]> {
  const pages: Pages = { found: [], elements: 1 };
  if (parent.unsync_children > 0) yield* __mmu_unsync_walk(kvm, parent, [], pages);
  return pages.found;
}

/** Takes the mark of a page that was dealt with off the pages above it, as far as they have no other. */
export function mmu_pages_clear_parents(path: UnsyncPath): void {
  for (const { sp, idx } of [...path.parents].reverse()) {
    if (test(sp, idx)) {
      put(sp, idx, false);
      sp.unsync_children--;
    }
    WARN_ON(sp.unsync_children < 0, 'mmu_pages_clear_parents: fewer than no unsync children');
    if (sp.unsync_children > 0) return;
  }
}
