/** Whether there is a fault path without `mmu_lock`, and in which order it does its two writes. */
import { cmpxchg64, type Step, WORDS } from '../../../machine/index.js';
import { PT_WRITABLE_MASK } from '../bits.js';
import { mark_page_dirty } from '../dirty.js';
import { fast_page_fault, fast_pf_fix_direct_spte, fast_pf_fixed, fast_pf_lost } from '../fast_page_fault.js';
import { kvm_mmu_page_get_gfn } from '../rmap.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';

/** Kernels without the fast path. */
function* no_fast_page_fault(): Step<boolean> {
  return false;
}

export const fpf: SwitchTable<
  (vcpu: KvmVcpu, gva: number, level: number, error_code: number) => Step<boolean>
> = {
  doc: 'Whether a store fault on an spte that only dirty logging made read-only is fixed without `mmu_lock`.',
  values: { on: fast_page_fault, off: no_fast_page_fault },
};

const mark_before = {
  /** The wrong order: a harvest between the two takes the bit of a store that has not happened yet. */
  *fast_pf_fix_direct_spte(vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint): Step<boolean> {
    const gfn = kvm_mmu_page_get_gfn(sp, sptep % WORDS);
    yield* mark_page_dirty(vcpu.kvm, gfn);
    const seen = yield* cmpxchg64(sptep, spte, spte | PT_WRITABLE_MASK);
    if (seen === spte) fast_pf_fixed(vcpu, gfn);
    else fast_pf_lost(vcpu);
    for (const o of vcpu.kvm.observers.fastPathMarked) o(vcpu, gfn);
    return true;
  },
};

export const fpf_mark: SwitchTable<
  (vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint) => Step<boolean>
> = {
  doc: 'Whether the fast path marks the page dirty after it has made the spte writable, or (wrongly) before.',
  values: { after: fast_pf_fix_direct_spte, before: mark_before.fast_pf_fix_direct_spte },
};
