/** From guest frames to host frames (specification, section 6). No lock is held. */
import { down_read, READ_ONCE, type Step, up_read } from '../../machine/index.js';
import { handle_mm_fault } from './host/fault.js';
import { gfn_to_memslot_unsafe, memslot_is_visible } from './memslot.js';
import { pte_pfn, pte_present, pte_write } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMemorySlot } from './structures/memslot.js';

/** No slot has the frame. */
export const KVM_PFN_NOSLOT = -2;
export const is_noslot_pfn = (pfn: number): boolean => pfn === KVM_PFN_NOSLOT;

/** A host frame, and whether KVM may map it writable. */
export interface Resolved {
  readonly pfn: number;
  readonly map_writable: boolean;
}
const NOSLOT: Resolved = { pfn: KVM_PFN_NOSLOT, map_writable: false };

/** Host virtual address of a guest frame of a slot. */
export const gfn_to_hva_memslot = (slot: KvmMemorySlot, gfn: number): number =>
  slot.userspace_addr + (gfn - slot.base_gfn) * 4096;

const resolved = (pte: number, map_writable: boolean): Resolved => ({ pfn: pte_pfn(pte), map_writable });

/** Faults the page in where it is not there, or not writable for a write. `mmap_sem` is held for reading. */
export function* get_user_pages(kvm: Kvm, hva: number, write_fault: boolean): Step<Resolved> {
  const { mm } = kvm;
  const vpn = Math.floor(hva / 4096);
  let pte = yield* READ_ONCE(mm.pgd, vpn);
  while (!pte_present(pte) || (write_fault && !pte_write(pte))) {
    yield* handle_mm_fault(kvm, hva, write_fault);
    pte = yield* READ_ONCE(mm.pgd, vpn);
  }
  return resolved(pte, write_fault);
}

/** The slow way, for which the lock of the areas is needed. */
export function* hva_to_pfn_slow(kvm: Kvm, hva: number, write_fault: boolean): Step<Resolved> {
  const { mm } = kvm;
  yield* down_read(mm.mmap_sem);
  const page = yield* get_user_pages(kvm, hva, write_fault);
  yield* up_read(mm.mmap_sem);
  if (write_fault) return page;
  // The page was asked for to be read; it may still be mapped writable if the host maps it so.
  const again = yield* READ_ONCE(mm.pgd, Math.floor(hva / 4096));
  return pte_present(again) && pte_write(again) ? resolved(again, true) : page;
}

/** The frame behind a host virtual address: first a look at the page table without a lock, then the slow way. */
export function* hva_to_pfn(kvm: Kvm, hva: number, write_fault: boolean): Step<Resolved> {
  const pte = yield* READ_ONCE(kvm.mm.pgd, Math.floor(hva / 4096));
  if (pte_present(pte) && pte_write(pte)) return resolved(pte, true);
  return yield* hva_to_pfn_slow(kvm, hva, write_fault);
}

/** The frame behind a guest frame. */
export function* gfn_to_pfn_memslot(
  kvm: Kvm,
  slot: KvmMemorySlot | null,
  gfn: number,
  write_fault: boolean,
): Step<Resolved> {
  if (!memslot_is_visible(slot)) return NOSLOT;
  const write = write_fault || kvm.bits.SPTE_HOST_WRITEABLE === 0n;
  return yield* kvm.variant.gup(kvm, gfn_to_hva_memslot(slot, gfn), write);
}

/** The frame behind a guest frame, if it is at hand; -1 otherwise. `mmu_lock` is held. */
export function* gfn_to_page_atomic(kvm: Kvm, gfn: number): Step<number> {
  const slot = gfn_to_memslot_unsafe(kvm, gfn);
  if (!memslot_is_visible(slot)) return -1;
  return yield* kvm.variant.gfn_to_page_atomic(kvm, gfn_to_hva_memslot(slot, gfn));
}

/** The frame of a page that is mapped writable already, or -1: for prefetching under `mmu_lock`. */
export function* hva_to_pfn_atomic(kvm: Kvm, hva: number): Step<number> {
  const pte = yield* READ_ONCE(kvm.mm.pgd, Math.floor(hva / 4096));
  return pte_present(pte) && pte_write(pte) ? pte_pfn(pte) : -1;
}
