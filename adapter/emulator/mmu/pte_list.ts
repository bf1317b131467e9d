/**
 * Sets of spte pointers: reverse maps and parent lists (specification, section 3). A head is 0 when empty, the one pointer, or
 * a chain of nodes of three. Private under `mmu_lock`, so nothing here takes a step. An iterator is invalid after a removal.
 */
import { BUG_ON, type Cell, machine } from '../../machine/index.js';
import { mmu_memory_cache_alloc } from './memory_cache.js';
import { type PteListDesc, pte_list_desc, SptePointers } from './structures/mmu_page.js';
import type { KvmVcpu } from './structures/vcpu.js';

/** Pointers in a node. */
export const PTE_LIST_EXT = SptePointers.LENGTH;

function mmu_alloc_pte_list_desc(vcpu: KvmVcpu): PteListDesc {
  mmu_memory_cache_alloc(vcpu.arch.mmu_pte_list_desc_cache);
  return machine.alloc(new pte_list_desc({ sptes: new SptePointers() }));
}

const load = (head: Cell): number | PteListDesc => head.obj.$load(head.slot) as number | PteListDesc;

/** Adds a pointer; returns how many there were. */
export function pte_list_add(vcpu: KvmVcpu, spte: number, head: Cell): number {
  const first = load(head);
  if (first === 0) {
    head.obj.$store(head.slot, spte);
    return 0;
  }
  if (typeof first === 'number') {
    const desc = mmu_alloc_pte_list_desc(vcpu);
    desc.sptes.put(0, first);
    desc.sptes.put(1, spte);
    head.obj.$store(head.slot, desc);
    return 1;
  }
  let desc = first;
  let count = 0;
  while (desc.sptes.at(PTE_LIST_EXT - 1) !== 0 && desc.more !== null) {
    desc = desc.more;
    count += PTE_LIST_EXT;
  }
  if (desc.sptes.at(PTE_LIST_EXT - 1) !== 0) {
    desc.more = mmu_alloc_pte_list_desc(vcpu);
    desc = desc.more;
    count += PTE_LIST_EXT;
  }
  let i = 0;
  while (desc.sptes.at(i) !== 0) i++;
  desc.sptes.put(i, spte);
  return count + i;
}

/** Moves the last pointer of a node into a hole, and gives the node back when it is empty. */
function pte_list_desc_remove_entry(
  head: Cell,
  desc: PteListDesc,
  i: number,
  prev: PteListDesc | null,
): void {
  let j = PTE_LIST_EXT - 1;
  while (j > i && desc.sptes.at(j) === 0) j--;
  desc.sptes.put(i, desc.sptes.at(j));
  desc.sptes.put(j, 0);
  if (j !== 0) return;
  if (prev !== null) prev.more = desc.more;
  else head.obj.$store(head.slot, desc.more ?? 0);
  machine.free(desc);
}

/** Removes a pointer. `complain` hears of one that is not there, which is a BUG unless it lets that pass. */
export function pte_list_remove(spte: number, head: Cell, complain = BUG_ON): void {
  const first = load(head);
  if (typeof first === 'number') {
    complain(first === 0, 'pte_list_remove: the list is empty');
    complain(first !== 0 && first !== spte, 'pte_list_remove: another spte is in the list');
    if (first === spte) head.obj.$store(head.slot, 0);
    return;
  }
  let prev: PteListDesc | null = null;
  for (let desc: PteListDesc | null = first; desc !== null; prev = desc, desc = desc.more)
    for (let i = 0; i < PTE_LIST_EXT && desc.sptes.at(i) !== 0; i++)
      if (desc.sptes.at(i) === spte) return pte_list_desc_remove_entry(head, desc, i, prev);
  complain(true, 'pte_list_remove: the spte is not in the list');
}

/** The first pointer, or 0. */
export function rmap_get_first(head: Cell): number {
  const first = load(head);
  return typeof first === 'number' ? first : first.sptes.at(0);
}

/** The pointer after `spte`, or 0. The list must not have changed since `spte` was returned. */
export function rmap_get_next(head: Cell, spte: number): number {
  const first = load(head);
  if (typeof first === 'number') return 0;
  for (let desc: PteListDesc | null = first; desc !== null; desc = desc.more)
    for (let i = 0; i < PTE_LIST_EXT; i++) {
      if (desc.sptes.at(i) !== spte) continue;
      const next = i + 1 < PTE_LIST_EXT ? desc.sptes.at(i + 1) : 0;
      // A node that is not full may have others after it.
      return next !== 0 ? next : (desc.more?.sptes.at(0) ?? 0);
    }
  return 0;
}

/** All pointers of a list, without being an access of the kernel's: for those who check. */
export function pte_list_items(head: unknown): number[] {
  if (typeof head === 'number') return head === 0 ? [] : [head];
  const items: number[] = [];
  for (
    let desc = head as PteListDesc | null;
    desc !== null;
    desc = desc.$get(pte_list_desc.slot('more')) as PteListDesc | null
  ) {
    const sptes = desc.$get(pte_list_desc.slot('sptes')) as SptePointers;
    for (let i = 0; i < PTE_LIST_EXT; i++) if (sptes.$get(i) !== 0) items.push(sptes.$get(i) as number);
  }
  return items;
}
