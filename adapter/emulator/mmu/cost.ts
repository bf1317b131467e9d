/** What a run has cost, in one number, so that kernels can be compared (specification, section 15). */
import { CHANGING, INT, looked, machine } from '../../machine/index.js';
import type { Query } from '../subsystem.js';
import type { MmuInstance } from './boot.js';
import type { Kvm } from './structures/kvm.js';

/** Steps that leaving guest mode and entering it again is worth: two thousand cycles, where an access that may be raced with is forty. */
const EXIT = 50;
/** Steps that an emulated instruction is worth: it is fetched through the guest's tables, and decoded. */
const EMULATION = 100;
/** Steps that sending an interrupt to another CPU is worth. */
const IPI = 25;

function costOf(kvm: Kvm): number {
  const { exits_by_reason, ipi_sent, ipi_wait_steps, mmu_lock_wait_steps } = kvm.emulator_stat;
  let exits = 0;
  for (let n = 0; n < kvm.vcpus.length; n++) exits += kvm.vcpus.at(n).stat.exits;
  const emulated = EMULATION * exits_by_reason.emulated_pt;
  return EXIT * exits + emulated + IPI * ipi_sent + ipi_wait_steps + mmu_lock_wait_steps;
}

export const virtual_cost: Query = {
  name: 'virtual_cost',
  doc: `What the run has cost all CPUs together so far, in accesses to shared memory: 1 for each step, and 1 for each step during which a CPU could only spin, before \`mmu_lock\` or until an interrupt that it had sent was handled; ${EXIT} more for each exit from guest mode with the entry after it, ${EMULATION} for each instruction that is emulated because it stores to a page table, and ${IPI} for each interrupt between CPUs. The weights are orders of magnitude, good for comparing kernels; it is no time on any machine.`,
  params: [],
  returns: INT,
  eval: (instance) => {
    // Steps are counted without being written anywhere.
    looked(machine.phys, CHANGING);
    return (instance as MmuInstance).all.reduce((sum, kvm) => sum + costOf(kvm), machine.steps);
  },
};
