/** When the other CPUs flush because an entry was replaced or narrowed (specification, section 8.4). */
import { read64, type Step } from '../../../machine/index.js';
import { is_writable_pte } from '../bits.js';
import type { Kvm } from '../structures/kvm.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { FlushOrder, SwitchTable } from '../variant.js';

function* no_flush(): Step<void> {}

export const pfn_change_flush: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether an entry that gets another frame is flushed from all TLBs.',
  values: { yes: kvm_flush_remote_tlbs, no: no_flush },
};

export const size_change_flush: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether all TLBs are flushed when a large mapping takes the place of small ones, or the other way round.',
  values: { yes: kvm_flush_remote_tlbs, no: no_flush },
};

/** Flushes while the old entry is still there to be fetched again. */
function* flush_early(kvm: Kvm, sptep: number, spte: bigint): Step<void> {
  const old_spte = yield* read64(sptep);
  if (is_writable_pte(old_spte) && !is_writable_pte(spte)) yield* kvm_flush_remote_tlbs(kvm);
}

export const flush_order: SwitchTable<FlushOrder> = {
  doc: 'Whether the flush for a narrowed entry comes after the change, or (wrongly) before it.',
  values: {
    after: { before: null, after: kvm_flush_remote_tlbs },
    before: { before: flush_early, after: no_flush },
  },
};
