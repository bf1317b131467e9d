/** Reverse maps: which sptes map a guest frame (specification, sections 3 and 6). Private under `mmu_lock`. */
import { BUG_ON, type Cell, type KArray, WORDS } from '../../machine/index.js';
import { KVM_PAGES_PER_HPAGE, PT_PAGE_TABLE_LEVEL } from './bits.js';
import { gfn_to_memslot_unsafe } from './memslot.js';
import { pte_list_add, pte_list_remove } from './pte_list.js';
import type { Kvm } from './structures/kvm.js';
import { type KvmLpageInfo, type KvmMemorySlot, kvm_lpage_info } from './structures/memslot.js';
import type { KvmMmuPage } from './structures/mmu_page.js';
import { page_header } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';

/** Longest chain that is kept. */
export const RMAP_RECYCLE_THRESHOLD = 1000;
const RMAP_PDE = kvm_lpage_info.slot('rmap_pde');

/** What is kept for the large frame of a level that holds a gfn. */
export function lpage_info_slot(gfn: number, slot: KvmMemorySlot, level: number): KvmLpageInfo {
  const size = KVM_PAGES_PER_HPAGE(level);
  return slot.lpage_info.at(level - 2).at(Math.floor(gfn / size) - Math.floor(slot.base_gfn / size));
}

/** Head of the chain of sptes of a level that map a gfn. */
export function __gfn_to_rmap(gfn: number, level: number, slot: KvmMemorySlot): Cell {
  if (level === PT_PAGE_TABLE_LEVEL) return { obj: slot.rmap, slot: gfn - slot.base_gfn };
  return { obj: lpage_info_slot(gfn, slot, level), slot: RMAP_PDE };
}

/** The guest frame that entry `index` of a page maps: of a direct page it follows from the place, of an indirect one it is noted. */
export const kvm_mmu_page_get_gfn = (sp: KvmMmuPage, index: number): number =>
  sp.direct ? sp.gfn + index * KVM_PAGES_PER_HPAGE(sp.level) : (sp.gfns as KArray<number>).at(index);

/** Notes which guest frame an entry maps. */
function kvm_mmu_page_set_gfn(kvm: Kvm, sp: KvmMmuPage, index: number, gfn: number): void {
  if (sp.direct)
    kvm.variant.gfn_mismatch(
      gfn !== kvm_mmu_page_get_gfn(sp, index),
      'kvm_mmu_page_set_gfn: the gfn does not follow from the place',
    );
  else (sp.gfns as KArray<number>).put(index, gfn);
}

/** Notes that an spte maps a gfn; returns how many did before. */
export function rmap_add(vcpu: KvmVcpu, sptep: number, gfn: number): number {
  const sp = page_header(sptep);
  kvm_mmu_page_set_gfn(vcpu.kvm, sp, sptep % WORDS, gfn);
  const slot = gfn_to_memslot_unsafe(vcpu.kvm, gfn) as KvmMemorySlot;
  return pte_list_add(vcpu, sptep, __gfn_to_rmap(gfn, sp.level, slot));
}

/** Forgets an spte. */
export function rmap_remove(kvm: Kvm, sptep: number): void {
  const sp = page_header(sptep);
  const gfn = kvm_mmu_page_get_gfn(sp, sptep % WORDS);
  const slot = gfn_to_memslot_unsafe(kvm, gfn);
  BUG_ON(slot === null, 'rmap_remove: no memory slot has the gfn');
  const rmapp = __gfn_to_rmap(gfn, sp.level, slot as KvmMemorySlot);
  pte_list_remove(sptep, rmapp, kvm.variant.gfn_mismatch);
}
