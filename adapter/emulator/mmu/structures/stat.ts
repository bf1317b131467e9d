/** Counters: the kernel's own (specification, section 14), and a few that only an emulator can have. */
import { type Instance, int, struct } from '../../../machine/index.js';

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

/** Counters that the kernel does not have. */
export const emulator_stat = struct(
  'emulator_stat',
  'Counters that exist only here, to tell what kind of work was done.',
  {
    fast_pf: int('Page faults that the fast path fixed without `mmu_lock`.'),
    spurious_pf: int('Page faults whose spte was fine by the time the fast path looked.'),
    slow_pf: int('Page faults that took `mmu_lock`.'),
    retry_pf: int('Page faults given up because an mmu notifier had run meanwhile.'),
    emulated_pt: int('Stores of guests that were emulated because the page is a shadowed table.'),
    mmio_pf: int('Faults on addresses that no memory slot has.'),
    fast_cas_lost: int('Compare-and-exchanges of the fast path that found another value.'),
    ipi_exits: int('Exits because of an interrupt that another CPU sent.'),
    ipi_sent: int('Interrupts that CPUs sent to one another.'),
    ipi_wait_steps: int(
      'Steps that everybody took while senders of interrupts waited for them to be handled.',
    ),
    mmu_lock_acquired: int('How often `mmu_lock` was taken.'),
    mmu_lock_hold_steps: int('Steps that everybody took while `mmu_lock` was held.'),
    guest_stores: int('Stores that guests did directly to memory.'),
    tlb_fills: int('Entries that were put into TLBs.'),
  },
);
export interface EmulatorStat extends Instance<typeof emulator_stat> {}
