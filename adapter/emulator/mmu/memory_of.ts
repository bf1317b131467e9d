/** Where the memory lies that a value is about, and guest physical memory as an address space. */
import type { KObject } from '../../machine/index.js';
import type { AddressSpace } from '../subsystem.js';
import { type HostPte, host_pte, type Page, page, pte_pfn, pte_present } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import { type KvmMemorySlot, kvm_memory_slot, type Memslot, memslot } from './structures/memslot.js';
import { type KvmMmuPage, kvm_mmu_page } from './structures/mmu_page.js';
import { hex } from './structures/pointer.js';
import { Spt, type Spte, spte } from './structures/spt.js';
import { type TlbEntry, tlb_entry } from './structures/tlb.js';

const frame = (pfn: number): string => hex(pfn * 4096);
const guest = (gfn: number): string => `gpa:${hex(gfn * 4096)}`;

/** The memory reference of a value; undefined where it is about none. */
export function memoryOf(value: KObject): string | undefined {
  const v: unknown = value;
  if (value instanceof Spt) return frame(value.pfn);
  if (value instanceof kvm_mmu_page) return frame((v as KvmMmuPage).spt.pfn);
  if (value instanceof page) return frame((v as Page).pfn);
  if (value instanceof spte) return (v as Spte).sptep < 0 ? undefined : hex((v as Spte).sptep * 8);
  if (value instanceof tlb_entry) return guest((v as TlbEntry).gfn);
  if (value instanceof host_pte) return (v as HostPte).present ? frame((v as HostPte).pfn) : undefined;
  if (value instanceof kvm_memory_slot) return guest((v as KvmMemorySlot).base_gfn);
  if (value instanceof memslot) return (v as Memslot).exists ? guest((v as Memslot).base_gfn) : undefined;
  return undefined;
}

/** Guest physical memory: what lies behind it in the host now. What is swapped out, or was never touched, is not there. */
export const guestMemory =
  (kvm: Kvm): AddressSpace =>
  (gpa) => {
    const gfn = Math.floor(gpa / 4096);
    const slots = kvm.memslots.memslots.items();
    const slot = slots.find((s) => gfn >= s.base_gfn && gfn < s.base_gfn + s.npages);
    if (slot === undefined) return undefined;
    const pte = kvm.mm.pgd.$look(slot.userspace_addr / 4096 + gfn - slot.base_gfn) as number;
    return pte_present(pte) ? pte_pfn(pte) * 4096 + (gpa % 4096) : undefined;
  };
