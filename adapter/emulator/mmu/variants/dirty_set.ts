/** How a bit of the dirty bitmap is set. */
import { type Bitmap, fetch_or, READ_ONCE, type Step, WRITE_ONCE } from '../../../machine/index.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import type { SwitchTable } from '../variant.js';

function* set_bit_le(memslot: KvmMemorySlot, rel: number): Step<void> {
  yield* fetch_or(memslot.dirty_bitmap as Bitmap, Math.floor(rel / 64), 1n << BigInt(rel % 64));
}

/** A read and a write: a bit that another CPU sets in between is lost. */
function* __set_bit_le(memslot: KvmMemorySlot, rel: number): Step<void> {
  const bitmap = memslot.dirty_bitmap as Bitmap;
  const word = yield* READ_ONCE(bitmap, Math.floor(rel / 64));
  yield* WRITE_ONCE(bitmap, Math.floor(rel / 64), word | (1n << BigInt(rel % 64)));
}

/** Looks first: most often the bit is there. */
function* test_and_set_bit_le(memslot: KvmMemorySlot, rel: number): Step<void> {
  const word = yield* READ_ONCE(memslot.dirty_bitmap as Bitmap, Math.floor(rel / 64));
  if ((word & (1n << BigInt(rel % 64))) === 0n) yield* set_bit_le(memslot, rel);
}

export const dirty_set: SwitchTable<(memslot: KvmMemorySlot, rel: number) => Step<void>> = {
  doc: 'Whether the bit of a written page is set by one atomic operation, by a read and a write, or (2008) by an atomic operation after a look that has not found it.',
  values: { atomic: set_bit_le, nonatomic: __set_bit_le, 'test-then-set': test_and_set_bit_le },
};
