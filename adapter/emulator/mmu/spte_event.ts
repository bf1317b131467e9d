/** The `spte` event. */
import { type Machine, WORDS } from '../../machine/index.js';
import { is_large_pte, is_writable_pte, KVM_PAGES_PER_HPAGE, type SpteBits, spte_to_pfn } from './bits.js';
import { SPTE } from './events.js';
import type { KvmMmuPage } from './structures/mmu_page.js';

/** The bits of a value in the order of the event's fields. */
const bitsIn = (b: SpteBits, v: bigint, level: number): boolean[] => [
  b.is_shadow_present_pte(v),
  is_writable_pte(v),
  (v & b.shadow_accessed_mask) !== 0n,
  (v & b.shadow_dirty_mask) !== 0n,
  (v & b.SPTE_HOST_WRITEABLE) !== 0n,
  (v & b.SPTE_MMU_WRITEABLE) !== 0n,
  level > 1 && is_large_pte(v),
];

/** Reports that a word of a shadow page has changed; a write of the same value is no change. */
export function emitSpte(
  machine: Machine,
  b: SpteBits,
  sp: KvmMmuPage,
  sptep: number,
  old: bigint,
  value: bigint,
): void {
  if (old === value) return;
  const { level } = sp;
  machine.emit(SPTE, [
    sp.gfn + (sptep % WORDS) * KVM_PAGES_PER_HPAGE(level),
    level,
    old,
    value,
    ...bitsIn(b, old, level),
    ...bitsIn(b, value, level),
    spte_to_pfn(old),
    spte_to_pfn(value),
    sptep * 8,
  ]);
}
