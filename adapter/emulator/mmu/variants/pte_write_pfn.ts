/** Where the frame comes from that is mapped when an emulated store has made an entry present (specification, sections 7.1 and annex B). */
import { READ_ONCE, type Step } from '../../../machine/index.js';
import { gfn_to_hva_memslot, gfn_to_pfn_memslot, hva_to_pfn_atomic } from '../gfn_to_pfn.js';
import { gpte_to_gfn, is_present_gpte } from '../guest/gpte.js';
import { guest_format, guest_is_paged } from '../guest/init_mmu.js';
import { kvm_memslots, search_memslots } from '../memslot.js';
import type { Written } from '../shadow/pte_write.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

export interface PteWritePfn {
  /** Before `mmu_lock` is taken: what can be looked up only then. */
  before(vcpu: KvmVcpu, w: Written): Step<void>;
  /** The frame behind a guest frame, or -1 where it is not at hand; with the lock held. */
  pfn(vcpu: KvmVcpu, slot: KvmMemorySlot, gfn: number): Step<number>;
  /** What was looked up is not needed any more. */
  after(vcpu: KvmVcpu): void;
}

function nothing(): void {}

const atomic: PteWritePfn = {
  *before(): Step<void> {},
  pfn: (vcpu, slot, gfn) => hva_to_pfn_atomic(vcpu.kvm, gfn_to_hva_memslot(slot, gfn)),
  after: nothing,
};

/** Looks up the frame that an entry points to, as it was stored. It may have to be brought in, which sleeps. */
function* mmu_guess_page_from_pte_write(vcpu: KvmVcpu, { value, bytes }: Written): Step<void> {
  const { kvm } = vcpu;
  if ((bytes !== 4 && bytes !== 8) || !guest_is_paged(vcpu) || !is_present_gpte(value)) return;
  const gfn = gpte_to_gfn(guest_format(vcpu).type, value);
  const mmu_seq = yield* READ_ONCE(kvm, 'mmu_notifier_seq');
  const slot = search_memslots(yield* kvm_memslots(kvm), gfn);
  const { pfn } = yield* gfn_to_pfn_memslot(kvm, slot, gfn, true);
  if (pfn < 0) return;
  const { update_pte } = vcpu.arch;
  update_pte.gfn = gfn;
  update_pte.pfn = pfn;
  update_pte.mmu_seq = mmu_seq;
}

const guessed: PteWritePfn = {
  before: mmu_guess_page_from_pte_write,
  *pfn(vcpu: KvmVcpu, _slot: KvmMemorySlot, gfn: number): Step<number> {
    const { update_pte } = vcpu.arch;
    if (update_pte.pfn < 0 || update_pte.gfn !== gfn) return -1;
    if (yield* vcpu.kvm.variant.notifier_retry(vcpu.kvm, update_pte.mmu_seq)) return -1;
    return update_pte.pfn;
  },
  after(vcpu: KvmVcpu): void {
    if (vcpu.arch.update_pte.pfn >= 0) vcpu.arch.update_pte.pfn = -1;
  },
};

export const pte_write_pfn: SwitchTable<PteWritePfn> = {
  doc: 'How the frame is found that an emulated store to a page table has mapped: under `mmu_lock`, if it is in memory and at hand; or (2008) before the lock is taken, by `mmu_guess_page_from_pte_write`, which brings it into memory, and dropped again if an mmu notifier has run meanwhile.',
  values: { atomic, guessed },
};
