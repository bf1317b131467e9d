/** What INVLPG does with the shadow of an address (specification, section 7.3; A-03, D-11, D-12). */
import { READ_ONCE, type Step, WRITE_ONCE } from '../../../machine/index.js';
import { is_accessed_gpte, is_present_gpte, type PtType } from '../guest/gpte.js';
import { guest_format } from '../guest/init_mmu.js';
import { kvm_read_guest, kvm_read_guest_atomic } from '../guest/memory.js';
import { first_gpte_gpa } from '../shadow/first_gpte.js';
import { update_pte } from '../shadow/prefetch.js';
import { kvm_mmu_pte_write } from '../shadow/pte_write.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { page_header } from '../structures/spt.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';
import { mmu_page_zap_pte } from '../zap.js';

/** The parts of INVLPG in which kernels differ. */
export interface Invlpg {
  /** Whether a guest whose tables are shadowed exits for it; otherwise the CPU does it by itself. */
  readonly trapped: boolean;
  /** Whether this CPU forgets the address; the instruction itself, which the exit is in place of, has not made it. */
  readonly flush: boolean;
  /** Whether it is thought that a guest without paging never uses it, although it may. */
  readonly warns_unpaged: boolean;
  /** Whether it leaves pages alone that are in sync, and looks only below pages that have others below them. */
  readonly unsync_only: boolean;
  /** Takes the leaf of the address out; `mmu_lock` is held. `pte_gpa` is the address of the guest's entry. */
  leaf(vcpu: KvmVcpu, sptep: number, pte_gpa: number): Step<void>;
  /** Runs after the lock was released; null where there is nothing to do. `pte_gpa` is -1 where no leaf was met. */
  readonly unlocked: ((vcpu: KvmVcpu, pte_gpa: number) => Step<void>) | null;
}

/** Drops the spte, and lets all other CPUs forget it. */
function* drop_and_flush({ kvm }: KvmVcpu, sptep: number): Step<void> {
  if (yield* mmu_page_zap_pte(kvm, page_header(sptep), sptep)) yield* kvm_flush_remote_tlbs(kvm);
}
/** Drops it; only this vCPU flushes, as it does after every INVLPG. */
function* drop({ kvm }: KvmVcpu, sptep: number): Step<void> {
  yield* mmu_page_zap_pte(kvm, page_header(sptep), sptep);
}

/** Installs what the guest's entry says now, while nobody else can. */
function* drop_and_refill(vcpu: KvmVcpu, sptep: number, pte_gpa: number): Step<void> {
  yield* drop_and_flush(vcpu, sptep);
  if (vcpu.arch.mmu_pte_list_desc_cache.nobjs === 0) return;
  const { bytes } = guest_format(vcpu).type;
  const gpte = yield* kvm_read_guest_atomic(vcpu.kvm, pte_gpa, bytes);
  if (gpte !== undefined) yield* update_pte(vcpu, page_header(sptep), sptep, gpte);
}

/** Tells the shadow pages of the table what its entry says, as if it had just been stored. */
function* refill(vcpu: KvmVcpu, pte_gpa: number, invlpg_counter: number | null): Step<void> {
  const { bytes } = guest_format(vcpu).type;
  const value = yield* kvm_read_guest(vcpu.kvm, pte_gpa, bytes);
  if (value === undefined || !is_present_gpte(value) || !is_accessed_gpte(value)) return;
  yield* kvm_mmu_pte_write(vcpu, { gpa: pte_gpa, value, bytes, prefill: { invlpg_counter } });
}
function* refill_unlocked(vcpu: KvmVcpu, pte_gpa: number): Step<void> {
  if (pte_gpa >= 0) yield* refill(vcpu, pte_gpa, null);
}

/** Counts: whoever has read an entry before this must not install it any more. */
function* drop_and_count(vcpu: KvmVcpu, sptep: number): Step<void> {
  yield* drop_and_flush(vcpu, sptep);
  const { arch } = vcpu.kvm;
  yield* WRITE_ONCE(arch, 'invlpg_counter', arch.invlpg_counter + 1);
}
function* refill_unless_counted(vcpu: KvmVcpu, pte_gpa: number): Step<void> {
  if (pte_gpa >= 0) yield* refill(vcpu, pte_gpa, yield* READ_ONCE(vcpu.kvm.arch, 'invlpg_counter'));
}

const exits = { trapped: true, flush: true, warns_unpaged: false };

export const invlpg: SwitchTable<Invlpg> = {
  doc: 'What INVLPG does with the spte of its address. `prefill-locked`: drops it if its page is unsync, flushes all CPUs, and installs what the guest has there, all under the lock. `nuke` (2.6.28): drops it whatever the page is, and flushes this CPU only. `prefill-unlocked` (2.6.29): the same, and after unlocking reads the entry and has it installed. `nuke-remote`: drops it and flushes all CPUs. `prefill-counter` (2.6.35): installs the entry after unlocking as well, unless another INVLPG has come since. `rfc-nuke`, as first posted: drops it and flushes nothing; a guest without paging makes the kernel warn. `untrapped` (before that): the guest does not exit for it; what the CPU itself has cached goes, and the spte stays.',
  values: {
    'prefill-locked': { ...exits, unsync_only: true, leaf: drop_and_refill, unlocked: null },
    nuke: { ...exits, unsync_only: false, leaf: drop, unlocked: null },
    'prefill-unlocked': { ...exits, unsync_only: false, leaf: drop, unlocked: refill_unlocked },
    'nuke-remote': { ...exits, unsync_only: false, leaf: drop_and_flush, unlocked: null },
    'prefill-counter': { ...exits, unsync_only: true, leaf: drop_and_count, unlocked: refill_unless_counted },
    'rfc-nuke': {
      ...exits,
      flush: false,
      warns_unpaged: true,
      unsync_only: false,
      leaf: drop,
      unlocked: null,
    },
    untrapped: { ...exits, trapped: false, unsync_only: false, leaf: drop, unlocked: null },
  },
};

export const invlpg_quadrant: SwitchTable<(type: PtType, sp: KvmMmuPage) => number> = {
  doc: 'Whether INVLPG looks for the entry of a 32-bit guest in the part of the table that the shadow page covers, or always in the first part.',
  values: { used: first_gpte_gpa, ignored: (_type, sp) => sp.gfn * 4096 },
};
