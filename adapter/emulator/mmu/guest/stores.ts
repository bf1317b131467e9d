/** Counting the stores of guests. The kernel does not see most of them: looking at what they hit is no access of its own. */
import type { Bitmap, KList } from '../../../machine/index.js';
import { is_shadowed } from '../shadow/pages_of.js';
import { type Kvm, kvm_struct } from '../structures/kvm.js';
import {
  type KvmMemorySlot,
  type KvmMemslots,
  kvm_memory_slot,
  kvm_memslots,
} from '../structures/memslot.js';
import type { GuestAccess } from './instruction.js';

const MEMSLOTS = kvm_struct.slot('memslots');
const SLOTS = kvm_memslots.slot('memslots');
const BASE_GFN = kvm_memory_slot.slot('base_gfn');
const NPAGES = kvm_memory_slot.slot('npages');
const DIRTY_BITMAP = kvm_memory_slot.slot('dirty_bitmap');

/** Whether a frame is logged, and its bit is clear. */
function clean(kvm: Kvm, gfn: number): boolean {
  const slots = (kvm.$get(MEMSLOTS) as KvmMemslots).$get(SLOTS) as KList<KvmMemorySlot>;
  for (let k = 0; ; k++) {
    const slot = slots.$get(k) as KvmMemorySlot | undefined;
    if (slot === undefined) return false;
    const bitmap = slot.$get(DIRTY_BITMAP) as Bitmap | null;
    if (bitmap === null) continue;
    const rel = gfn - (slot.$get(BASE_GFN) as number);
    if (rel >= 0 && rel < (slot.$get(NPAGES) as number)) return !bitmap.test(rel);
  }
}

/** Guest code has stored to `gpa`, without the help of KVM. */
export function count_store(kvm: Kvm, a: GuestAccess, gpa: number): void {
  const { emulator_stat } = kvm;
  emulator_stat.guest_stores++;
  if (clean(kvm, Math.floor(gpa / 4096))) emulator_stat.writes_while_clean++;
  if (a.gpte || kvm.walk.shadow) count_pt_store(kvm, a, gpa);
}

/** Guest code stores to `gpa`, which may be a page table. */
export function count_pt_store(kvm: Kvm, a: GuestAccess, gpa: number): void {
  if (a.what !== 'stores' && a.what !== 'compares and exchanges') return;
  if (a.gpte || is_shadowed(kvm, Math.floor(gpa / 4096))) kvm.emulator_stat.guest_pt_stores++;
}
