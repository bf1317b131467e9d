/** What a sync makes of the entries of a page, as first posted: it edits the bits of those whose frame is still the same. */
import { read64, type Step, WORDS, write64 } from '../../../../machine/index.js';
import {
  is_writable_pte,
  PT_ACCESSED_MASK,
  PT_PAGE_TABLE_LEVEL,
  PT_WRITABLE_MASK,
  spte_to_pfn,
} from '../../bits.js';
import { gfn_to_page_atomic } from '../../gfn_to_pfn.js';
import {
  gpte_access,
  gpte_to_gfn,
  is_accessed_gpte,
  is_dirty_gpte,
  is_global_gpte,
  is_present_gpte,
  is_rsvd_bits_set,
} from '../../guest/gpte.js';
import { guest_format } from '../../guest/init_mmu.js';
import { kvm_read_guest_atomic, set_guest_bits_atomic } from '../../guest/memory.js';
import { drop_spte, mmu_spte_clear_no_track, peek_spte } from '../../spte.js';
import type { Kvm } from '../../structures/kvm.js';
import { ACC_EXEC_MASK, ACC_USER_MASK, type KvmMmuPage } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { first_gpte_gpa } from '../first_gpte.js';
import { is_shadowed } from '../pages_of.js';

/** Writable as the guest's entry is, and nothing else; but a table that is shadowed stays as it was. */
function kvm_sync_writeble(kvm: Kvm, spte: bigint, gpte: bigint, gfn: number): bigint {
  const { bits } = kvm;
  if (!is_writable_pte(gpte)) return spte & ~PT_WRITABLE_MASK;
  const denied = (spte & bits.SPTE_HOST_WRITEABLE) !== bits.SPTE_HOST_WRITEABLE || is_shadowed(kvm, gfn);
  return denied ? spte : spte | PT_WRITABLE_MASK | bits.SPTE_MMU_WRITEABLE;
}

/** An spte with the bits that its entry calls for. U and NX are added where they are due and never taken away. */
function edited(vcpu: KvmVcpu, sp: KvmMmuPage, spte: bigint, gpte: bigint, gfn: number): bigint {
  const { bits } = vcpu.kvm;
  const pte_access = sp.access & gpte_access(guest_format(vcpu), gpte, false);
  let value = spte;
  if (pte_access & ACC_USER_MASK) value |= bits.shadow_user_mask;
  value |= pte_access & ACC_EXEC_MASK ? bits.shadow_x_mask : bits.shadow_nx_mask;
  value = kvm_sync_writeble(vcpu.kvm, value, gpte, gfn);
  if (!is_dirty_gpte(gpte)) value &= ~PT_WRITABLE_MASK;
  if (!is_accessed_gpte(gpte)) value &= ~PT_ACCESSED_MASK;
  return value;
}

/**
 * Brings a page up to date.
 * @returns how many entries are left; -1 when the guest table cannot be read
 */
export function* sync_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<number> {
  const { kvm } = vcpu;
  const { emulator_stat } = kvm;
  const f = guest_format(vcpu);
  const first = first_gpte_gpa(f.type, sp);
  emulator_stat.sync_pages++;
  let nr_present = 0;
  for (let i = 0; i < WORDS; i++) {
    const sptep = sp.spt.at(i);
    // What is not present stays so while the lock is held: looking at it is no step.
    if (kvm.bits.is_mmio_spte(peek_spte(sptep))) yield* mmu_spte_clear_no_track(kvm.bits, sptep);
    if (!kvm.bits.is_shadow_present_pte(peek_spte(sptep))) continue;
    emulator_stat.sync_sptes++;
    const gpa = first + i * f.type.bytes;
    const gpte = yield* kvm_read_guest_atomic(kvm, gpa, f.type.bytes);
    if (gpte === undefined) return -1;
    const gfn = gpte_to_gfn(f.type, gpte);
    const valid = is_present_gpte(gpte) && !is_rsvd_bits_set(f, gpte, PT_PAGE_TABLE_LEVEL);
    const pfn = valid ? yield* gfn_to_page_atomic(kvm, gfn) : -1;
    const spte = yield* read64(sptep);
    if (pfn < 0 || pfn !== spte_to_pfn(spte)) {
      const { shadow_trap_nonpresent_pte, shadow_notrap_nonpresent_pte } = kvm.bits;
      const absent = !is_present_gpte(gpte);
      yield* drop_spte(kvm, sptep, absent ? shadow_notrap_nonpresent_pte : shadow_trap_nonpresent_pte);
      emulator_stat.sync_dropped++;
      continue;
    }
    nr_present++;
    const value = edited(vcpu, sp, spte, gpte, gfn);
    if ((value & PT_ACCESSED_MASK) !== 0n)
      yield* set_guest_bits_atomic(kvm, gpa, PT_ACCESSED_MASK, f.type.bytes);
    if (!is_global_gpte(gpte) && sp.global) sp.global = false;
    yield* write64(sptep, value);
  }
  return nr_present;
}
