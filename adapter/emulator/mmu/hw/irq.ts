/** How a CPU takes the interrupts that others send it: a thread of its own for each CPU. */
import {
  type Driver,
  event_step,
  machine,
  type Step,
  smp_mb,
  type Thread,
  WRITE_ONCE,
  wait_until,
} from '../../../machine/index.js';
import { IPI_ACKED } from '../events.js';
import { type Cpu, cpu } from '../structures/cpu.js';
import { OUTSIDE_GUEST_MODE } from '../structures/vcpu.js';
import { vm_exit } from './exit.js';

const SENT = cpu.slot('ipis_sent');
const HANDLED = cpu.slot('ipis_handled');
const IRQS_OFF = cpu.slot('irqs_off');
const IRQ_GUEST = cpu.slot('irq_guest');

/** Waits for an interrupt and handles it. Idle while none is pending. */
export function* cpu_irq(c: Cpu): Step<void> {
  const pending = () => (c.$get(HANDLED) as number) < (c.$get(SENT) as number) && c.$get(IRQS_OFF) === false;
  yield* wait_until('an interrupt', pending, c, SENT);
  yield* smp_call_function_interrupt(c);
}

/**
 * Handles what has been sent so far. If the CPU runs a guest, the interrupt makes it exit first: its instruction is abandoned,
 * and the rest of the exit, up to where the host allows interrupts again, is done here.
 */
export function* smp_call_function_interrupt(c: Cpu): Step<void> {
  const vcpu = c.guest;
  if (vcpu !== null) {
    vm_exit(vcpu, c, 'EXTERNAL_INTERRUPT', 0, 0);
    c.irq_guest = vcpu;
    vcpu.kvm.emulator_stat.exits_by_reason.ipi++;
    yield* WRITE_ONCE(vcpu, 'mode', OUTSIDE_GUEST_MODE);
    yield* smp_mb();
    c.irqs_off = false;
  }
  yield* event_step('handles the interrupt', c, HANDLED);
  c.ipis_handled = c.ipis_sent;
  c.irq_guest = null;
  if (machine.wants(IPI_ACKED)) machine.emit(IPI_ACKED, [c.id]);
}

/** What else runs on a CPU waits until an interrupt that made its guest exit is handled. */
export function* after_interrupt(c: Cpu): Step<void> {
  if (c.irq_guest !== null)
    yield* wait_until(
      `cpu ${c.id} to have handled an interrupt`,
      () => c.$get(IRQ_GUEST) === null,
      c,
      IRQ_GUEST,
    );
}

/** Runs the interrupt thread of a CPU, for ever: between two interrupts it stands in `cpu_irq`. */
export class IrqDriver implements Driver {
  readonly base = 1;

  constructor(private readonly c: Cpu) {}

  /** Puts the thread in front of its first wait, without a step. */
  start(thread: Thread): void {
    thread.call(cpu_irq(this.c));
  }
  run(thread: Thread): void {
    this.start(thread);
  }
  returned(thread: Thread): void {
    this.start(thread);
  }
  frames() {
    return [];
  }
  site(): number {
    return 0;
  }
  level(): number {
    return 0;
  }
  restored(thread: Thread, within: boolean): void {
    if (!within) this.start(thread);
  }
}
