/** Which table that is linked already may be used on the way down (E-02, E-03 of the specification). */
import { machine, read64, type Step } from '../../../machine/index.js';
import { is_large_pte, spte_to_pfn } from '../bits.js';
import { drop_parent_pte } from '../mmu_page.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

/** Looks at what an entry points to, before it is used as the table for a gfn, direct or not; unlinks it when it is another. */
export type ChildReuse = (vcpu: KvmVcpu, sptep: number, gfn: number, direct: boolean) => Step<void>;

/** Whatever is present will do. */
function* any_present(): Step<void> {}

function* unlink_unless(vcpu: KvmVcpu, sptep: number, right: (child: KvmMmuPage) => boolean): Step<void> {
  const { kvm } = vcpu;
  const spte = yield* read64(sptep);
  if (!kvm.bits.is_shadow_present_pte(spte) || is_large_pte(spte)) return;
  const child = machine.phys.frame(spte_to_pfn(spte))?.owner as unknown as KvmMmuPage;
  if (right(child)) return;
  yield* drop_parent_pte(child, sptep);
  yield* kvm_flush_remote_tlbs(kvm);
}

function* same_gfn(vcpu: KvmVcpu, sptep: number, gfn: number): Step<void> {
  yield* unlink_unless(vcpu, sptep, (child) => child.gfn === gfn);
}

function* same_gfn_and_role(vcpu: KvmVcpu, sptep: number, gfn: number, direct: boolean): Step<void> {
  yield* unlink_unless(vcpu, sptep, (child) => child.gfn === gfn && child.direct === direct);
}

export const child_reuse: SwitchTable<ChildReuse> = {
  doc: 'Which shadow page that an entry points to already is used when a fault comes by: any; only one of the gfn that is wanted; or only one of that gfn that is of the same kind, direct or not.',
  values: { 'any-present': any_present, gfn: same_gfn, 'gfn+role': same_gfn_and_role },
};
