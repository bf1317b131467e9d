/** What userspace asks of the virtual machine (specification, sections 10.1 and 10.2). */
import {
  Bitmap,
  Fault,
  machine,
  mutex_lock,
  mutex_unlock,
  type Step,
  spin_lock,
  spin_unlock,
} from '../../machine/index.js';
import { mmap_region, type Region } from './host/mmap.js';
import { kvm_memslots } from './memslot.js';
import {
  create_memslot,
  delete_memslot,
  disable_dirty_log,
  enable_dirty_log,
  install_new_memslot,
} from './memslots.js';
import { host_begin, operation_end } from './operation.js';
import { kvm_mmu_change_mmu_pages, mmu_shrink } from './shrinker.js';
import { type Kvm, kvm_struct } from './structures/kvm.js';
import {
  KVM_MEM_LOG_DIRTY_PAGES,
  type KvmMemorySlot,
  type Memslot,
  memslot as memslot_struct,
} from './structures/memslot.js';
import { kvm_mmu_slot_remove_write_access } from './write_protect.js';
import { kvm_arch_flush_shadow } from './zap.js';

const MEMSLOTS = kvm_struct.slot('memslots');

/** The published copy of a slot. Fails as a wrong use when it was deleted meanwhile. */
function* published(kvm: Kvm, handle: Memslot): Step<KvmMemorySlot> {
  const slots = yield* kvm_memslots(kvm);
  const slot = slots.memslots.items().find((s) => s.id === handle.id);
  if (slot === undefined)
    throw new Fault('usage', 'no such slot', `memory slot ${handle.id} has been deleted`);
  return slot;
}

/** The smallest number that no slot has. */
function free_id(kvm: Kvm): number {
  const used = new Set(kvm.memslots.memslots.items().map((s) => s.id));
  let id = 0;
  while (used.has(id)) id++;
  return id;
}

/** Adds memory to the guest: maps it in the process where it is not mapped, and publishes a slot. */
export function* kvm_vm_ioctl_set_memory_region(
  kvm: Kvm,
  base_gfn: number,
  npages: number,
  region: Region,
  log: boolean,
): Step<Memslot> {
  const c = yield* host_begin(kvm);
  mmap_region(kvm.mm, region);
  yield* mutex_lock(kvm.slots_lock);
  const slot = create_memslot(free_id(kvm), base_gfn, npages, region.vm_start);
  if (log) {
    slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
    slot.dirty_bitmap = machine.alloc(new Bitmap(npages));
    slot.dirty_bitmap_buffer = machine.alloc(new Bitmap(npages));
  }
  yield* install_new_memslot(kvm, slot);
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
  const handle = new memslot_struct({ id: slot.id }) as Memslot;
  return Object.assign(machine.alloc(handle), {
    slots: () => (kvm.$look(MEMSLOTS) as typeof kvm.memslots).memslots.items(),
  });
}

/** Takes memory away from the guest. */
export function* kvm_vm_ioctl_delete_memory_region(kvm: Kvm, handle: Memslot): Step<void> {
  const c = yield* host_begin(kvm);
  yield* mutex_lock(kvm.slots_lock);
  yield* delete_memslot(kvm, yield* published(kvm, handle));
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
}

/** Begins to log the written pages of a slot. */
export function* kvm_vm_ioctl_enable_dirty_log(kvm: Kvm, handle: Memslot): Step<void> {
  const c = yield* host_begin(kvm);
  yield* mutex_lock(kvm.slots_lock);
  const slot = yield* published(kvm, handle);
  if (slot.dirty_bitmap === null) yield* enable_dirty_log(kvm, slot);
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
}

/** Ends the logging of a slot. */
export function* kvm_vm_ioctl_disable_dirty_log(kvm: Kvm, handle: Memslot): Step<void> {
  const c = yield* host_begin(kvm);
  yield* mutex_lock(kvm.slots_lock);
  const slot = yield* published(kvm, handle);
  if (slot.dirty_bitmap !== null) yield* disable_dirty_log(kvm, slot);
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
}

/** Reports the pages of a slot that were written since the last time, and begins anew. */
export function* kvm_vm_ioctl_get_dirty_log(kvm: Kvm, handle: Memslot): Step<Bitmap> {
  const c = yield* host_begin(kvm);
  yield* mutex_lock(kvm.slots_lock);
  const slot = yield* published(kvm, handle);
  if (slot.dirty_bitmap === null)
    throw new Fault(
      'usage',
      'no dirty log',
      `slot ${slot.id} is not logged (-ENOENT): write vm.enable_dirty_log(slot), or dirty_log: true where the slot is made`,
    );
  const words = yield* kvm.variant.dirtylog(kvm, slot);
  const report = machine.alloc(new Bitmap(slot.npages));
  for (let i = 0; i < words.length; i++) if (words[i] !== 0n) report.put(i, words[i] as bigint);
  for (const o of kvm.observers.dirtyDelivered) o(slot, words);
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
  return report;
}

/** Write-protects everything that maps a slot. */
export function* vm_slot_remove_write_access(kvm: Kvm, handle: Memslot): Step<void> {
  const c = yield* host_begin(kvm);
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_slot_remove_write_access(kvm, handle.id);
  yield* spin_unlock(kvm.mmu_lock);
  operation_end(kvm, c);
}

/** Drops every shadow page. */
export function* vm_zap_all(kvm: Kvm): Step<void> {
  const c = yield* host_begin(kvm);
  yield* kvm_arch_flush_shadow(kvm);
  operation_end(kvm, c);
}

/** Sets how many shadow pages there may be. */
export function* kvm_vm_ioctl_set_nr_mmu_pages(kvm: Kvm, kvm_nr_mmu_pages: number): Step<void> {
  const c = yield* host_begin(kvm);
  yield* mutex_lock(kvm.slots_lock);
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_change_mmu_pages(kvm, kvm_nr_mmu_pages);
  yield* spin_unlock(kvm.mmu_lock);
  yield* mutex_unlock(kvm.slots_lock);
  operation_end(kvm, c);
}

/** The host is short of memory. Returns the number of shadow pages that are left. */
export function* host_shrink(kvm: Kvm, nr_to_scan: number): Step<number> {
  const c = yield* host_begin(kvm);
  const left = yield* mmu_shrink(kvm.main, nr_to_scan);
  operation_end(kvm, c);
  return left;
}
