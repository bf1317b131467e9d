/** In which order a notifier flushes and unlocks, and whether faults look at notifiers at all. */
import { READ_ONCE, type Step, spin_unlock } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { NotifierFlush, SwitchTable } from '../variant.js';

const locked: NotifierFlush = {
  *finish(kvm: Kvm, flush: boolean): Step<void> {
    if (flush) yield* kvm_flush_remote_tlbs(kvm);
    yield* spin_unlock(kvm.mmu_lock);
  },
};

const after_unlock: NotifierFlush = {
  *finish(kvm: Kvm, flush: boolean): Step<void> {
    yield* spin_unlock(kvm.mmu_lock);
    if (flush) yield* kvm_flush_remote_tlbs(kvm);
  },
};

export const notifier_flush: SwitchTable<NotifierFlush> = {
  doc: 'Whether an mmu notifier flushes while it holds `mmu_lock`, or after it has released it.',
  values: { locked, 'after-unlock': after_unlock },
};

/** Whether a notifier has run since `mmu_seq` was read, or is under way; `mmu_lock` is held. */
function* mmu_notifier_retry(kvm: Kvm, mmu_seq: number): Step<boolean> {
  if ((yield* READ_ONCE(kvm, 'mmu_notifier_count')) !== 0) return true;
  return (yield* READ_ONCE(kvm, 'mmu_notifier_seq')) !== mmu_seq;
}

/** Does not look. */
function* never(): Step<boolean> {
  return false;
}

export const notifier_retry: SwitchTable<(kvm: Kvm, mmu_seq: number) => Step<boolean>> = {
  doc: 'Whether a fault starts again when the host has changed mappings while it looked up the frame.',
  values: { on: mmu_notifier_retry, off: never },
};
