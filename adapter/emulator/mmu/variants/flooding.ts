/** When a page that is stored to counts as no table any more (specification, section 7.1; F-11). */
import { read64, type Step } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** Stores to one table after which it is no table any more, as far as KVM can tell. */
const FLOODING = 3;

/** Who counts the stores. `mmu_lock` is held. */
export interface Flooding {
  /** Counts a store of a vCPU to a frame; returns whether that is one too many for all shadow pages of it. */
  frame(vcpu: KvmVcpu, gfn: number): Step<boolean>;
  /** Counts it for one shadow page. */
  page(kvm: Kvm, sp: KvmMmuPage): boolean;
  /** An spte was brought up to date after such a store. */
  updated(vcpu: KvmVcpu, sptep: number): void;
  /** A shadow page is taken apart. */
  zapped(kvm: Kvm): void;
}

function nothing(): void {}

const per_page: Flooding = {
  *frame(): Step<boolean> {
    return false;
  },
  /** Those do not count that go unsync instead. */
  page(kvm: Kvm, sp: KvmMmuPage): boolean {
    if (sp.level < kvm.variant.oos.flooding_level) return false;
    sp.write_flooding_count++;
    return sp.write_flooding_count >= FLOODING;
  },
  updated: nothing,
  zapped: nothing,
};

/** Whether the guest has used what the last store made KVM install (`last_updated_pte_accessed`). */
function* last_updated_pte_accessed({ kvm, arch }: KvmVcpu): Step<boolean> {
  if (arch.last_pte_updated === 0) return false;
  return ((yield* read64(arch.last_pte_updated)) & kvm.bits.shadow_accessed_mask) !== 0n;
}

const per_vcpu: Flooding = {
  *frame(vcpu: KvmVcpu, gfn: number): Step<boolean> {
    const { arch } = vcpu;
    if (gfn === arch.last_pt_write_gfn && !(yield* last_updated_pte_accessed(vcpu))) {
      arch.last_pt_write_count++;
      return arch.last_pt_write_count >= FLOODING;
    }
    arch.last_pt_write_gfn = gfn;
    arch.last_pt_write_count = 1;
    arch.last_pte_updated = 0;
    return false;
  },
  page: () => false,
  updated(vcpu: KvmVcpu, sptep: number): void {
    vcpu.arch.last_pte_updated = sptep;
  },
  zapped(kvm: Kvm): void {
    for (let i = 0; i < kvm.vcpus.length; i++) kvm.vcpus.at(i).arch.last_pte_updated = 0;
  },
};

export const flooding: SwitchTable<Flooding> = {
  doc: 'Which stores are too many for a page table: the third to a shadow page since it was last used for a fault, or (2008) the third in a row of one vCPU to the same frame, where the spte that the one before has updated was not accessed. What floods is zapped.',
  values: { 'per-page': per_page, 'per-vcpu': per_vcpu },
};

export const emulated_access: SwitchTable<boolean> = {
  doc: 'Whether an access that is emulated counts as a use of the spte that it would have gone through: it has A then.',
  values: { noted: true, unnoted: false },
};
