/** What the hypercall that flushes the TLB does besides (specification, section 12, D-07). */
import type { Step } from '../../../machine/index.js';
import { KVM_REQ_MMU_SYNC, type KvmVcpu } from '../structures/vcpu.js';
import { kvm_make_request } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

function* sync(vcpu: KvmVcpu): Step<void> {
  yield* kvm_make_request(KVM_REQ_MMU_SYNC, vcpu);
}
function* nothing(): Step<void> {}

export const pv_flush_sync: SwitchTable<(vcpu: KvmVcpu) => Step<void>> = {
  doc: 'Whether the hypercall that flushes the TLB (`vcpu.pv_flush`) also has the pages synced that are out of sync, or only empties the TLB.',
  values: { yes: sync, no: nothing },
};
