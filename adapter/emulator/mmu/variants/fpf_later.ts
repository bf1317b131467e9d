/** The fast page fault since 4.11: it tries a lost exchange again, and can make tracked entries readable. */
import { read64, type Step } from '../../../machine/index.js';
import { is_last_spte, is_writable_pte, PT_PRESENT_MASK, PT_WRITABLE_MASK, spte_to_pfn } from '../bits.js';
import { PFERR_WRITE_MASK, page_fault_can_be_fast, trace_fast_page_fault } from '../fast_page_fault.js';
import {
  shadow_entry,
  shadow_walk_init,
  walk_shadow_page_lockless_begin,
  walk_shadow_page_lockless_end,
} from '../lockless_walk.js';
import { page_header } from '../structures/spt.js';
import type { KvmVcpu } from '../structures/vcpu.js';

/** Exchanges that are tried after the first. */
const RETRIES = 4;

/** Whether the access that has faulted would be allowed by an entry. */
const is_access_allowed = (error_code: number, spte: bigint): boolean =>
  error_code & PFERR_WRITE_MASK ? is_writable_pte(spte) : (spte & PT_PRESENT_MASK) !== 0n;

/** What the fast path can make of an entry for an access; the entry itself where that is nothing. */
function fixed(vcpu: KvmVcpu, error_code: number, spte: bigint, at: number): bigint {
  const { bits, variant } = vcpu.kvm;
  const readable = bits.is_access_track_spte(spte) ? bits.restore_acc_track_spte(spte) : spte;
  if ((error_code & PFERR_WRITE_MASK) === 0) return readable;
  return bits.spte_is_locklessly_modifiable(spte) && variant.large_wp.fast(at)
    ? readable | PT_WRITABLE_MASK
    : spte;
}

export const later = {
  /** Tries to fix a fault without `mmu_lock`. False: the slow path has to deal with it. */
  *fast_page_fault(vcpu: KvmVcpu, gva: number, level: number, error_code: number): Step<boolean> {
    const { bits, variant, emulator_stat } = vcpu.kvm;
    const tracks = bits.shadow_acc_track_value !== 0n;
    // An entry that is tracked looks like none to the hardware.
    if (!tracks && !page_fault_can_be_fast(error_code)) return false;
    if (variant.root_check(vcpu.arch.mmu.root_hpa)) return false;

    yield* walk_shadow_page_lockless_begin(vcpu);
    let ret = false;
    let sptep = 0;
    let spte = 0n;
    for (let retry_count = 0; retry_count <= RETRIES; retry_count++) {
      let { table, level: at } = shadow_walk_init(vcpu, gva);
      for (;;) {
        sptep = shadow_entry(table, gva, at);
        spte = yield* read64(sptep);
        if (!bits.is_shadow_present_pte(spte) || at < level || is_last_spte(spte, at)) break;
        table = spte_to_pfn(spte) * 4096;
        at--;
      }
      if (!bits.is_shadow_present_pte(spte)) {
        // Without tracking the fault has met an entry, which has gone since.
        if (!tracks) emulator_stat.exits_by_reason.retry_pf++;
        ret = !tracks;
        break;
      }
      if (!is_last_spte(spte, at)) break;
      if (is_access_allowed(error_code, spte)) {
        emulator_stat.exits_by_reason.spurious_pf++;
        ret = true;
        break;
      }
      const new_spte = fixed(vcpu, error_code, spte, at);
      if (new_spte === spte || !is_access_allowed(error_code, new_spte)) break;
      ret = yield* variant.fpf_mark(vcpu, page_header(sptep), sptep, spte, new_spte);
      if (ret) break;
    }

    const new_spte = yield* read64(sptep);
    trace_fast_page_fault(vcpu, gva, error_code, sptep, spte, new_spte, ret);
    yield* walk_shadow_page_lockless_end(vcpu);
    return ret;
  },
};
