/** When the other CPUs flush because an entry was replaced or narrowed (specification, section 8.4). */
import { read64, type Step } from '../../../machine/index.js';
import { is_writable_pte } from '../bits.js';
import type { Kvm } from '../structures/kvm.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

function* no_flush(): Step<void> {}

export const pfn_change_flush: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether an entry that gets another frame is flushed from all TLBs.',
  values: { yes: kvm_flush_remote_tlbs, no: no_flush },
};

export const size_change_flush: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether all TLBs are flushed when a large mapping takes the place of small ones, or the other way round.',
  values: { yes: kvm_flush_remote_tlbs, no: no_flush },
};

/** Base: writes the entry, and flushes if that took writability away. */
function* change_then_flush(kvm: Kvm, sptep: number, entry: bigint, spte: bigint): Step<void> {
  if (yield* kvm.variant.spte_update.update(kvm, sptep, entry, spte)) yield* kvm_flush_remote_tlbs(kvm);
}

/** Flushes while the old entry is still there to be fetched again. */
function* flush_then_change(kvm: Kvm, sptep: number, entry: bigint, spte: bigint): Step<void> {
  const old_spte = yield* read64(sptep);
  if (is_writable_pte(old_spte) && !is_writable_pte(spte)) yield* kvm_flush_remote_tlbs(kvm);
  yield* kvm.variant.spte_update.update(kvm, sptep, entry, spte);
}

export const flush_order: SwitchTable<(kvm: Kvm, sptep: number, entry: bigint, spte: bigint) => Step<void>> =
  {
    doc: 'Whether the flush for a narrowed entry comes after the change, or (wrongly) before it.',
    values: { after: change_then_flush, before: flush_then_change },
  };
