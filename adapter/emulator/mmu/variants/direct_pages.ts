/** Rights of the direct pages that break a large page of the guest into small ones of the host (E-04, E-05, E-07, E-08 of the specification). */
import { machine, read64, type Step } from '../../../machine/index.js';
import { is_large_pte, spte_to_pfn } from '../bits.js';
import { PFERR_USER_MASK, PFERR_WRITE_MASK } from '../fast_page_fault.js';
import { is_smep, is_write_protection } from '../guest/control_registers.js';
import { is_dirty_gpte } from '../guest/gpte.js';
import type { GuestWalker } from '../guest/walk_addr.js';
import { drop_parent_pte } from '../mmu_page.js';
import { ACC_EXEC_MASK, ACC_USER_MASK, ACC_WRITE_MASK, type KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';

const own_access = (gw: GuestWalker): number => gw.pte_access;

/** What the large entry itself allows is left out, but for its D. */
const parent_access = (gw: GuestWalker): number =>
  is_dirty_gpte(gw.ptes[gw.level - 1] as bigint) ? gw.pt_access : gw.pt_access & ~ACC_WRITE_MASK;

export const direct_key: SwitchTable<(gw: GuestWalker) => number> = {
  doc: 'Rights in the role of a direct page that stands for a large page of the guest: those that the walk leaves with the large entry itself, or only those of the entries above it (and no stores while it is clean), so that entries with different rights share one page.',
  values: { 'own-access': own_access, 'parent-access': parent_access },
};

/** Unlinks a direct page whose rights are not those that the guest's large entry gives now. */
function* validate_direct_spte(vcpu: KvmVcpu, sptep: number, direct_access: number): Step<void> {
  const { kvm } = vcpu;
  const spte = yield* read64(sptep);
  if (!kvm.bits.is_shadow_present_pte(spte) || is_large_pte(spte)) return;
  const child = machine.phys.frame(spte_to_pfn(spte))?.owner as unknown as KvmMmuPage;
  if (child.access === direct_access) return;
  yield* drop_parent_pte(child, sptep);
  yield* kvm_flush_remote_tlbs(kvm);
}

function* whatever_is_linked(): Step<void> {}

export const direct_validate: SwitchTable<
  (vcpu: KvmVcpu, sptep: number, direct_access: number) => Step<void>
> = {
  doc: "Whether a direct page that is linked already is unlinked when its rights are not those that the guest's large entry gives now.",
  values: { yes: validate_direct_spte, no: whatever_is_linked },
};

export const ro_host_in_large: SwitchTable<(pte_access: number, map_writable: boolean) => number> = {
  doc: 'What becomes read-only when the host maps a small page inside a large page of the guest read-only: the spte of that page, or all of the direct page that it is in.',
  values: {
    'ro-spte': (pte_access) => pte_access,
    'ro-page': (pte_access, map_writable) => (map_writable ? pte_access : pte_access & ~ACC_WRITE_MASK),
  },
};

/** The leaf is made writable where it is written (`set_spte`); the page that it is in is not told. */
const in_the_spte = (_vcpu: KvmVcpu, pte_access: number): number => pte_access;

/** As if the entry allowed it, to the supervisor alone: a direct page of its own goes with that. */
function in_the_walk(vcpu: KvmVcpu, pte_access: number, error_code: number): number {
  const supervisor_write = (error_code & (PFERR_WRITE_MASK | PFERR_USER_MASK)) === PFERR_WRITE_MASK;
  if (!supervisor_write || is_write_protection(vcpu) || (pte_access & ACC_WRITE_MASK) !== 0)
    return pte_access;
  const taken = is_smep(vcpu) ? ACC_USER_MASK | ACC_EXEC_MASK : ACC_USER_MASK;
  return (pte_access | ACC_WRITE_MASK) & ~taken;
}

export const wp0_write: SwitchTable<(vcpu: KvmVcpu, pte_access: number, error_code: number) => number> = {
  doc: 'Where a store of supervisor code to a read-only page is allowed while CR0.WP is 0: in the spte alone, or (from 3.9) in the rights that the walk has found, so that also the direct page that the spte is in is another one.',
  values: { spte: in_the_spte, walk: in_the_walk },
};
