/** Physical CPUs, as far as interrupts between them are concerned. */
import { bool, handle, type Instance, int, STRING, struct } from '../../../machine/index.js';
import { part, ptr } from './pointer.js';
import type { KvmVcpu } from './vcpu.js';

/** One physical CPU. */
export const cpu = struct(
  'cpu',
  'A physical CPU: whose guest it runs, whether it takes interrupts, and which interrupts other CPUs have sent it.',
  {
    id: int('Number of the CPU.', { readonly: true }),
    guest: ptr<KvmVcpu>('kvm_vcpu', 'The vCPU whose guest code runs here now; none while the host does.'),
    curr: part<{ readonly name: string; readonly index: number } | null>(
      STRING,
      'The thread that is in the kernel here now.',
    ),
    irq_guest: ptr<KvmVcpu>(
      'kvm_vcpu',
      'The vCPU that the interrupt being handled here has made exit; it goes on when that is done.',
    ),
    irqs_off: bool('Interrupts are off: one that was sent waits.'),
    ipis_sent: int('Interrupts sent to this CPU so far.', { guard: 'racy' }),
    ipis_handled: int('Interrupts that this CPU has handled so far; their senders wait for that.', {
      guard: 'racy',
    }),
  },
  (c: Cpu): string =>
    `cpu ${c.id}${c.guest === null ? '' : `, runs vcpu ${c.guest.vcpu_id}`}${c.irqs_off ? ', interrupts off' : ''}`,
);
export interface Cpu extends Instance<typeof cpu> {}
export const CPU = handle('cpu');
