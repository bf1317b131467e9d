/** The page fault that takes no lock (specification, section 8.2). */
import { cmpxchg64, machine, read64, type Step, WORDS } from '../../machine/index.js';
import { is_last_spte, is_writable_pte, PT_WRITABLE_MASK, spte_to_pfn } from './bits.js';
import { mark_page_dirty } from './dirty.js';
import { errorCodeText, FAST_PAGE_FAULT } from './events.js';
import {
  shadow_entry,
  shadow_walk_init,
  walk_shadow_page_lockless_begin,
  walk_shadow_page_lockless_end,
} from './lockless_walk.js';
import { kvm_mmu_page_get_gfn } from './rmap.js';
import type { KvmMmuPage } from './structures/mmu_page.js';
import { page_header } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';
import { WARN_ON } from './warn.js';

export const PFERR_PRESENT_MASK = 1;
export const PFERR_WRITE_MASK = 2;
export const PFERR_USER_MASK = 4;
export const PFERR_RSVD_MASK = 8;
export const PFERR_FETCH_MASK = 16;

/** Only a store that met a present entry can be fixed by setting W. */
export const page_fault_can_be_fast = (error_code: number): boolean =>
  (error_code & PFERR_PRESENT_MASK) !== 0 && (error_code & PFERR_WRITE_MASK) !== 0;

/**
 * Makes a write-protected direct spte writable again, then marks the page dirty. Returns whether the exchange has found what was
 * expected.
 */
export function* fast_pf_fix_direct_spte(
  vcpu: KvmVcpu,
  sp: KvmMmuPage,
  sptep: number,
  spte: bigint,
  new_spte: bigint,
): Step<boolean> {
  WARN_ON(!sp.direct && !vcpu.kvm.variant.fpf_scope, 'fast_pf_fix_direct_spte: the page is not direct');
  // The gfn of a direct spte follows from its place, so it is stable without the lock.
  const gfn = kvm_mmu_page_get_gfn(sp, sptep % WORDS);
  const seen = yield* cmpxchg64(sptep, spte, new_spte);
  if (seen !== spte) {
    vcpu.kvm.emulator_stat.fast_cas_lost++;
    return false;
  }
  vcpu.kvm.emulator_stat.exits_by_reason.fast_pf++;
  if (is_writable_pte(new_spte)) {
    for (const o of vcpu.kvm.observers.fastPathFixed) o(vcpu, gfn);
    yield* mark_page_dirty(vcpu.kvm, gfn);
    for (const o of vcpu.kvm.observers.fastPathMarked) o(vcpu, gfn);
  }
  return true;
}

/** The tracepoint at the end of the fast path; `new_spte` was read again for it. */
export function trace_fast_page_fault(
  vcpu: KvmVcpu,
  gva: number,
  error_code: number,
  sptep: number,
  spte: bigint,
  new_spte: bigint,
  retry: boolean,
): void {
  if (!machine.wants(FAST_PAGE_FAULT)) return;
  machine.emit(FAST_PAGE_FAULT, [
    vcpu.vcpu_id,
    gva,
    errorCodeText(error_code),
    sptep * 8,
    spte,
    new_spte,
    retry,
    retry && is_writable_pte(spte),
    retry && is_writable_pte(new_spte),
  ]);
}

/**
 * Tries to fix a fault without `mmu_lock`. True: the guest can try again, and nothing else is to be done. False: the slow path
 * has to deal with it.
 */
export function* fast_page_fault(
  vcpu: KvmVcpu,
  gva: number,
  level: number,
  error_code: number,
): Step<boolean> {
  const { bits, variant } = vcpu.kvm;
  if (!page_fault_can_be_fast(error_code) || variant.root_check(vcpu.arch.mmu.root_hpa)) return false;

  yield* walk_shadow_page_lockless_begin(vcpu);
  let ret = false;
  let { table, level: at } = shadow_walk_init(vcpu, gva);
  let sptep = 0;
  let spte = 0n;
  for (;;) {
    sptep = shadow_entry(table, gva, at);
    spte = yield* read64(sptep);
    if (!bits.is_shadow_present_pte(spte) || at < level || is_last_spte(spte, at)) break;
    table = spte_to_pfn(spte) * 4096;
    at--;
  }

  if (variant.walk_end === 'last read') yield* walk_shadow_page_lockless_end(vcpu);
  if (!bits.is_shadow_present_pte(spte)) {
    vcpu.kvm.emulator_stat.exits_by_reason.retry_pf++;
    ret = true;
  } else if (is_last_spte(spte, level)) {
    if (is_writable_pte(spte)) {
      vcpu.kvm.emulator_stat.exits_by_reason.spurious_pf++;
      ret = true;
    } else if (bits.spte_is_locklessly_modifiable(spte) && variant.large_wp.fast(at)) {
      if (variant.walk_lock !== null) yield* variant.walk_lock.lock(vcpu);
      const sp = page_header(sptep);
      // A lost exchange is no failure: the guest just faults again.
      if (!(yield* variant.fpf_mark(vcpu, sp, sptep, spte, spte | PT_WRITABLE_MASK)))
        vcpu.kvm.emulator_stat.exits_by_reason.retry_pf++;
      ret = true;
      if (variant.walk_lock !== null) yield* variant.walk_lock.unlock(vcpu);
    }
  }

  const new_spte = yield* read64(sptep);
  trace_fast_page_fault(vcpu, gva, error_code, sptep, spte, new_spte, ret);
  if (variant.walk_end === 'last access') yield* walk_shadow_page_lockless_end(vcpu);
  return ret;
}
