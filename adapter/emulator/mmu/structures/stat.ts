/** Counters: the kernel's own (specification, section 14), and a few that only an emulator can have. */
import { handle, type Instance, int, own, struct } from '../../../machine/index.js';

/** `struct kvm_vm_stat`. */
export const kvm_vm_stat = struct(
  'kvm_vm_stat',
  'Counters of the virtual machine, under their names in debugfs.',
  {
    mmu_shadow_zapped: int('Shadow pages that were zapped: one for each call of `kvm_mmu_prepare_zap_page`.'),
    mmu_pte_write: int(
      'Stores to guest memory, by emulation, for which shadow pages were looked up under `mmu_lock`.',
    ),
    mmu_pte_updated: int('Leaf sptes that were brought up to date at once after such a store.'),
    mmu_pde_zapped: int('Entries above leaves that such a store has taken out.'),
    mmu_flooded: int(
      'Shadow pages that were zapped because their guest table was stored to too often, or oddly.',
    ),
    mmu_unsync: int('Shadow pages that are unsync now.'),
    mmu_unsync_global: int(
      'Those of them that wait for a flush of all of the TLB; `oos: rfc` does not count them in `mmu_unsync`.',
    ),
    mmu_recycled: int('Shadow pages that were zapped to make room for others.'),
    mmu_cache_miss: int('Shadow pages that had to be created because none with that gfn and role existed.'),
    remote_tlb_flush: int('Remote TLB flushes that had to send at least one interrupt.'),
    lpages: int('Large leaf sptes that exist now; debugfs calls the file `largepages`.'),
  },
);
export interface KvmVmStat extends Instance<typeof kvm_vm_stat> {}

/** `struct kvm_vcpu_stat`. */
export const kvm_vcpu_stat = struct('kvm_vcpu_stat', 'Counters of one vCPU, under their names in debugfs.', {
  pf_fixed: int('Page faults that went through the slow path to its end. The fast path does not count here.'),
  pf_guest: int('Page faults that were handed to the guest.'),
  invlpg: int('INVLPG instructions.'),
  tlb_flush: int('Flushes that this vCPU asked for itself.'),
  exits: int('Exits from guest mode.'),
  mmio_exits: int('Accesses handed to userspace because no memory slot has the address.'),
});
export interface KvmVcpuStat extends Instance<typeof kvm_vcpu_stat> {}

/** Why vCPUs left guest mode, and what came of it. */
export const exits_by_reason = struct(
  'exits_by_reason',
  'Exits from guest mode, each counted once, under what it led to. They add up to the `exits` of all vCPUs, but for an exit that is still being handled.',
  {
    guest_pf: int('Page faults that were handed to the guest.'),
    slow_pf: int('Page faults that were dealt with under `mmu_lock`.'),
    fast_pf: int('Page faults that the fast path fixed without `mmu_lock`.'),
    spurious_pf: int('Page faults whose spte was writable by the time the fast path looked.'),
    retry_pf: int(
      'Page faults given up for the guest to try again: an mmu notifier had run meanwhile, the entry was gone, or the fast path lost its exchange.',
    ),
    emulated_pt: int('Instructions that were emulated because they access a shadowed guest page table.'),
    cr3: int('Loads of cr3.'),
    cr0_cr4: int('Loads of cr0 or cr4.'),
    invlpg: int('INVLPG instructions.'),
    ipi: int('Interrupts that another CPU sent.'),
    unprotected_pt: int(
      'Stores to a shadowed guest page table whose shadow was dropped, because kernels do not write page tables with such instructions.',
    ),
    mmio: int('Accesses to addresses that no memory slot has.'),
    msr: int('Writes of EFER.'),
    hypercall: int('Hypercalls of guests that know that they run on KVM.'),
    host: int('The host wanted the CPU: for an operation of its own, or to leave the vCPU to userspace.'),
  },
);
export interface ExitsByReason extends Instance<typeof exits_by_reason> {}

/** Counters that the kernel does not have. */
export const emulator_stat = struct(
  'emulator_stat',
  'Counters that exist only here, to tell what kind of work was done.',
  {
    guest_pt_stores: int(
      'Stores of guests to their page tables: those of `vcpu.write_pt`, and all to a frame that is shadowed as a table.',
    ),
    guest_pt_stores_trapped: int(
      'Stores of guests to shadowed page tables that made the guest exit, because the page was not writable for it.',
    ),
    exits_by_reason: own(
      handle('exits_by_reason'),
      'Exits from guest mode by what they led to.',
      () => new exits_by_reason() as ExitsByReason,
    ),
    bypassed_pf: int('Page faults that went straight to the guest, without an exit.'),
    sync_pages: int('Shadow pages that were brought up to date with their guest tables, or found useless.'),
    sync_sptes: int('Entries of such pages that were compared with those of the guest.'),
    sync_dropped: int('Entries that were removed by that, because the guest does not map the same any more.'),
    ipi_sent: int('Interrupts that CPUs sent to one another.'),
    ipi_wait_steps: int(
      'Steps that everybody took while senders of interrupts waited for them to be handled.',
    ),
    mmu_lock_acquired: int('How often `mmu_lock` was taken.'),
    mmu_lock_hold_steps: int('Steps that everybody took while `mmu_lock` was held.'),
    mmu_lock_wait_steps: int(
      'Steps that everybody took while a thread stood before `mmu_lock` and another held it; they count once for each that waits.',
    ),
    fast_cas_lost: int('Compare-and-exchanges of the fast path that found another value.'),
    writes_while_clean: int(
      'Stores that guests did directly to pages of a logged slot whose bit in the dirty bitmap was clear. Such a store is in the log only if a report that is on its way has the page.',
    ),
    guest_stores: int('Stores that guests did directly to memory.'),
    tlb_fills: int('Entries that were put into TLBs.'),
  },
);
export interface EmulatorStat extends Instance<typeof emulator_stat> {}
