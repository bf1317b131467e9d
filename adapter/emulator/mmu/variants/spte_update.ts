/** How an spte in use gets new bits, and who finds out that other CPUs must flush (specification, sections 6 and 11.4). */
import { read64, type Step, write64, xchg64 } from '../../../machine/index.js';
import { is_writable_pte } from '../bits.js';
import { mmu_spte_exchange, mmu_spte_set, spte_has_volatile_bits, track_cleared_bits } from '../spte.js';
import type { Kvm } from '../structures/kvm.js';
import type { SpteUpdate, SwitchTable } from '../variant.js';

/** Nothing has to be known beforehand. */
function* nothing(): Step<bigint> {
  return 0n;
}

/** Base: the value that the exchange returns decides whether writability was taken away. */
function* mmu_spte_update(kvm: Kvm, sptep: number, _entry: bigint, new_spte: bigint): Step<boolean> {
  const old_spte = yield* mmu_spte_exchange(kvm, sptep, new_spte);
  track_cleared_bits(kvm, old_spte, new_spte);
  return (
    (is_writable_pte(old_spte) && !is_writable_pte(new_spte)) ||
    kvm.variant.ad_flush(kvm.bits, old_spte, new_spte)
  );
}

const lockless_bit = {
  /** Asks for a flush also where the fast path could have set W a moment ago. */
  *mmu_spte_update(kvm: Kvm, sptep: number, _entry: bigint, new_spte: bigint): Step<boolean> {
    const old_spte = yield* mmu_spte_exchange(kvm, sptep, new_spte);
    track_cleared_bits(kvm, old_spte, new_spte);
    return (
      (kvm.bits.spte_is_locklessly_modifiable(old_spte) && !is_writable_pte(new_spte)) ||
      kvm.variant.ad_flush(kvm.bits, old_spte, new_spte)
    );
  },
};

const no_flush = {
  /** Never asks for a flush. */
  *mmu_spte_update(kvm: Kvm, sptep: number, _entry: bigint, new_spte: bigint): Step<boolean> {
    track_cleared_bits(kvm, yield* mmu_spte_exchange(kvm, sptep, new_spte), new_spte);
    return false;
  },
};

const stale_entry: SpteUpdate = {
  *entry(sptep: number): Step<bigint> {
    return yield* read64(sptep);
  },
  /** Before the fast path: D is carried over, and writability is judged by a copy that was taken earlier. */
  *update(kvm: Kvm, sptep: number, entry: bigint, value: bigint): Step<boolean> {
    const { bits } = kvm;
    let old_spte = yield* read64(sptep);
    if (!bits.is_shadow_present_pte(old_spte)) {
      yield* mmu_spte_set(kvm, sptep, value);
      return false;
    }
    const new_spte = value | (old_spte & bits.shadow_dirty_mask);
    const mask = bits.shadow_accessed_mask | (is_writable_pte(old_spte) ? bits.shadow_dirty_mask : 0n);
    if (!spte_has_volatile_bits(kvm, old_spte) || (new_spte & mask) === mask) yield* write64(sptep, new_spte);
    else old_spte = yield* xchg64(sptep, new_spte);
    track_cleared_bits(kvm, old_spte, new_spte);
    return is_writable_pte(entry) && !is_writable_pte(new_spte);
  },
};

export const spte_update: SwitchTable<SpteUpdate> = {
  doc: 'Who finds out that an update took writability away: the exchange itself, a copy of the spte taken earlier, or nobody; or also where the fast path could have set W.',
  values: {
    'xchg-return': { entry: nothing, update: mmu_spte_update },
    'stale-entry': stale_entry,
    'lockless-bit': { entry: nothing, update: lockless_bit.mmu_spte_update },
    'no-flush': { entry: nothing, update: no_flush.mmu_spte_update },
  },
};
