/** Interrupts between CPUs, as senders see them. */
import { atomic_add_return, current, machine, type Step, wait_until } from '../../machine/index.js';
import { IPI_SENT } from './events.js';
import { type Cpu, cpu } from './structures/cpu.js';
import type { Kvm } from './structures/kvm.js';

const IPIS_HANDLED = cpu.slot('ipis_handled');

/** The CPU that the running thread is on; -1 for a thread of the set-up that is on none. */
export function smp_processor_id(kvm: Kvm): number {
  if (current.cpu >= 0) return current.cpu;
  for (let i = 0; i < kvm.cpus.length; i++) if ((kvm.cpus.element(i) as Cpu).curr === current) return i;
  return -1;
}

/** Interrupts CPUs (a set of their numbers, in order) and waits until each has handled it. */
export function* smp_call_function_many(kvm: Kvm, cpus: readonly number[]): Step<void> {
  const numbers: number[] = [];
  for (let k = 0; k < cpus.length; k++) {
    const target = kvm.cpus.at(cpus[k] as number);
    numbers.push(yield* atomic_add_return(target, 'ipis_sent', 1));
    kvm.emulator_stat.ipi_sent++;
    if (machine.wants(IPI_SENT)) machine.emit(IPI_SENT, [target.id, smp_processor_id(kvm)]);
  }
  for (let k = 0; k < cpus.length; k++) {
    const target = kvm.cpus.at(cpus[k] as number);
    const number = numbers[k] as number;
    if ((target.$get(IPIS_HANDLED) as number) >= number) continue;
    const { steps } = machine;
    yield* wait_until(
      `cpu ${target.id} to handle an interrupt`,
      () => (target.$get(IPIS_HANDLED) as number) >= number,
      target,
      IPIS_HANDLED,
    );
    kvm.emulator_stat.ipi_wait_steps += machine.steps - steps;
  }
}
