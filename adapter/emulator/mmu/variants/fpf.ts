/** Whether there is a fault path without `mmu_lock`, and in which order it does its two writes. */
import { cmpxchg64, type Step, WORDS } from '../../../machine/index.js';
import { is_writable_pte } from '../bits.js';
import { mark_page_dirty } from '../dirty.js';
import { fast_page_fault, fast_pf_fix_direct_spte } from '../fast_page_fault.js';
import { kvm_mmu_page_get_gfn } from '../rmap.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { SwitchTable } from '../variant.js';
import { later } from './fpf_later.js';

/** Kernels without the fast path. */
function* no_fast_page_fault(): Step<boolean> {
  return false;
}

export const fpf: SwitchTable<
  (vcpu: KvmVcpu, gva: number, level: number, error_code: number) => Step<boolean>
> = {
  doc: 'Whether a store fault on an spte that only dirty logging made read-only is fixed without `mmu_lock`. `on`: when the exchange is lost, the guest faults again. `on-retry` (4.11): it is tried four more times before the slow path is taken. `acc-track` (4.11): besides, ageing on hardware without accessed bits makes an entry unreadable instead of removing it, and the first access makes it readable again on this path.',
  values: {
    on: fast_page_fault,
    off: no_fast_page_fault,
    'on-retry': later.fast_page_fault,
    'acc-track': later.fast_page_fault,
  },
};

export const fpf_scope: SwitchTable<boolean> = {
  doc: 'Whether the fast path is for direct maps alone, or (wrongly) also for sptes that shadow entries of the guest: which gfn those map can change under it.',
  values: { direct: false, any: true },
};

const mark_before = {
  /** The wrong order: a harvest between the two takes the bit of a store that has not happened yet. */
  *fast_pf_fix_direct_spte(
    vcpu: KvmVcpu,
    sp: KvmMmuPage,
    sptep: number,
    spte: bigint,
    new_spte: bigint,
  ): Step<boolean> {
    const gfn = kvm_mmu_page_get_gfn(sp, sptep % WORDS);
    const marks = is_writable_pte(new_spte);
    if (marks) yield* mark_page_dirty(vcpu.kvm, gfn);
    const won = (yield* cmpxchg64(sptep, spte, new_spte)) === spte;
    const { emulator_stat, observers } = vcpu.kvm;
    if (won) {
      emulator_stat.exits_by_reason.fast_pf++;
      if (marks) for (const o of observers.fastPathFixed) o(vcpu, gfn);
    } else emulator_stat.fast_cas_lost++;
    if (marks) for (const o of observers.fastPathMarked) o(vcpu, gfn);
    return won;
  },
};

export const fpf_mark: SwitchTable<
  (vcpu: KvmVcpu, sp: KvmMmuPage, sptep: number, spte: bigint, new_spte: bigint) => Step<boolean>
> = {
  doc: 'Whether the fast path marks the page dirty after it has made the spte writable, or (wrongly) before.',
  values: { after: fast_pf_fix_direct_spte, before: mark_before.fast_pf_fix_direct_spte },
};
