/** Harvesting the dirty log (specification, sections 10.2 and 11.1). Each returns what is reported; `slots_lock` is held. */
import { Bitmap, READ_ONCE, type Step, spin_lock, spin_unlock, xchg } from '../../../machine/index.js';
import { publish_memslots, with_slot } from '../memslots.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';
import {
  __rmap_write_protect,
  kvm_mmu_slot_remove_write_access,
  kvm_mmu_write_protect_pt_masked,
} from '../write_protect.js';

type Words = readonly bigint[];

/** Takes every word out of the bitmap and protects its pages. `mmu_lock` is held. Returns whether any page was dirty. */
function* take_and_protect(kvm: Kvm, memslot: KvmMemorySlot): Step<boolean> {
  const bitmap = memslot.dirty_bitmap as Bitmap;
  const buffer = memslot.dirty_bitmap_buffer as Bitmap;
  const words = bitmap.words().length;
  let is_dirty = false;
  for (let i = 0; i < words; i++) {
    if ((yield* READ_ONCE(bitmap, i)) === 0n) continue;
    is_dirty = true;
    const mask = yield* xchg(bitmap, i, 0n);
    buffer.put(i, mask);
    for (const o of kvm.observers.dirtyTaken) o(memslot, i, mask);
    yield* kvm_mmu_write_protect_pt_masked(kvm, memslot, i * 64, mask);
  }
  return is_dirty;
}

function clear_buffer(memslot: KvmMemorySlot): Bitmap {
  const buffer = memslot.dirty_bitmap_buffer as Bitmap;
  for (let i = 0; i < buffer.words().length; i++) if (buffer.words()[i] !== 0n) buffer.put(i, 0n);
  return buffer;
}

/** Base: take and clear, protect, flush, unlock, then report. */
function* xchg_locked_flush(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  const buffer = clear_buffer(memslot);
  yield* spin_lock(kvm.mmu_lock);
  if (yield* take_and_protect(kvm, memslot)) yield* kvm_flush_remote_tlbs(kvm);
  yield* spin_unlock(kvm.mmu_lock);
  return buffer.words().slice();
}

/** The flush comes after the unlocking. */
function* xchg_unlocked_flush(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  const buffer = clear_buffer(memslot);
  yield* spin_lock(kvm.mmu_lock);
  const is_dirty = yield* take_and_protect(kvm, memslot);
  yield* spin_unlock(kvm.mmu_lock);
  if (is_dirty) yield* kvm_flush_remote_tlbs(kvm);
  return buffer.words().slice();
}

/** Whether any page of the slot is marked. */
function* any_dirty(bitmap: Bitmap): Step<boolean> {
  for (let i = 0; i < bitmap.words().length; i++) if ((yield* READ_ONCE(bitmap, i)) !== 0n) return true;
  return false;
}

/** Publishes an empty bitmap and returns what the one before held. */
function* swap_bitmaps(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  const old = memslot.dirty_bitmap as Bitmap;
  yield* publish_memslots(kvm, with_slot(kvm, memslot, { dirty_bitmap: new Bitmap(memslot.npages) }));
  const words = old.words().slice();
  for (let i = 0; i < words.length; i++)
    if (words[i] !== 0n) for (const o of kvm.observers.dirtyTaken) o(memslot, i, words[i] as bigint);
  return words;
}

function* protect_slot(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_slot_remove_write_access(kvm, memslot.id);
  yield* spin_unlock(kvm.mmu_lock);
}

/** A store between the two is marked in the bitmap that goes away, through an spte that stays writable. */
function* protect_then_swap(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  if (!(yield* any_dirty(memslot.dirty_bitmap as Bitmap))) return [];
  yield* protect_slot(kvm, memslot);
  return yield* swap_bitmaps(kvm, memslot);
}

function* swap_then_protect(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  if (!(yield* any_dirty(memslot.dirty_bitmap as Bitmap))) return [];
  const words = yield* swap_bitmaps(kvm, memslot);
  yield* protect_slot(kvm, memslot);
  return words;
}

/** Protects page by page, each under the lock for itself, and flushes once at the end. */
function* rmap_unlocked_flush(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  if (!(yield* any_dirty(memslot.dirty_bitmap as Bitmap))) return [];
  const words = yield* swap_bitmaps(kvm, memslot);
  for (let page = 0; page < memslot.npages; page++) {
    if (((words[Math.floor(page / 64)] as bigint) & (1n << BigInt(page % 64))) === 0n) continue;
    yield* spin_lock(kvm.mmu_lock);
    yield* __rmap_write_protect(kvm, { obj: memslot.rmap, slot: page }, false);
    yield* spin_unlock(kvm.mmu_lock);
  }
  yield* kvm_flush_remote_tlbs(kvm);
  return words;
}

/**
 * Reports what is there, protects, and clears all. Bits that are set in between are lost: `slots_lock` has to keep everybody out
 * who sets them.
 */
function* copy_protect_clear(kvm: Kvm, memslot: KvmMemorySlot): Step<Words> {
  const bitmap = memslot.dirty_bitmap as Bitmap;
  const words: bigint[] = [];
  for (let i = 0; i < bitmap.words().length; i++) {
    const mask = yield* READ_ONCE(bitmap, i);
    words.push(mask);
    if (mask !== 0n) for (const o of kvm.observers.dirtyTaken) o(memslot, i, mask);
  }
  if (words.every((mask) => mask === 0n)) return [];
  yield* protect_slot(kvm, memslot);
  for (let i = 0; i < words.length; i++) {
    // A plain store in the kernel: what was there is only for those who check.
    const lost = yield* xchg(bitmap, i, 0n);
    if (lost !== 0n) for (const o of kvm.observers.dirtyCleared) o(memslot, i, lost);
  }
  return words;
}

export const dirtylog: SwitchTable<(kvm: Kvm, memslot: KvmMemorySlot) => Step<readonly bigint[]>> = {
  doc: 'In which order a harvest takes the bitmap, protects the pages and flushes, and under which locks.',
  values: {
    'xchg-locked-flush': xchg_locked_flush,
    'xchg-unlocked-flush': xchg_unlocked_flush,
    'rmap-unlocked-flush': rmap_unlocked_flush,
    'swap-then-protect': swap_then_protect,
    'protect-then-swap': protect_then_swap,
    'copy-protect-clear': copy_protect_clear,
  },
};
