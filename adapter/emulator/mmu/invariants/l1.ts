/** INV-L1: locks are taken in one order, and not where waiting for them would never end. */
import { current, type Lock, Op } from '../../../machine/index.js';
import type { Cpu } from '../structures/cpu.js';
import { cpu } from '../structures/cpu.js';
import { kvm_vcpu } from '../structures/vcpu.js';
import type { Checker } from './checker.js';
import type { Rule } from './rule.js';

/** For each lock class, those that may be held when it is taken (specification, section 5). A class that is not here has no order. */
const MAY_BE_HELD: Readonly<Record<string, readonly string[]>> = {
  'kvm->slots_lock': ['kvm_lock'],
  kvm_lock: ['kvm->slots_lock', 'mm->mmap_sem'],
  'mm->mmap_sem': ['kvm->slots_lock'],
  'mm->page_table_lock': ['kvm->slots_lock', 'mm->mmap_sem'],
  'kvm->mmu_lock': ['kvm->slots_lock', 'kvm_lock', 'mm->mmap_sem', 'mm->page_table_lock'],
};
const VCPU_THREAD = kvm_vcpu.slot('thread');
const IN_SRCU = kvm_vcpu.slot('in_srcu');
const CURR = cpu.slot('curr');
const IRQS_OFF = cpu.slot('irqs_off');

export const L1: Rule = {
  name: 'INV-L1',
  doc: 'Locks are taken in the order slots_lock, mmap_sem, ptl, mmu_lock, and mmu_lock under kvm_lock; nobody takes slots_lock inside a read section of kvm.srcu, or waits for mmu_lock with interrupts off.',
  when: 'step',
  watch: (c) =>
    c.onStep(() => {
      if (current.op !== Op.acquire) return;
      const wanted = current.obj as Lock;
      const problem = outOfOrder(c, wanted) || readsSlots(c, wanted) || interruptsOff(c, wanted);
      if (problem !== '')
        c.broken(L1, { message: `${current.name} is to take ${wanted.name} ${problem}`, blame: [] });
    }),
};

function outOfOrder(c: Checker, wanted: Lock): string {
  const allowed = MAY_BE_HELD[wanted.cls];
  if (allowed === undefined) return '';
  const held = c.machine.locks.find(
    (l) =>
      l !== wanted &&
      l.cls in MAY_BE_HELD &&
      l.cls !== wanted.cls &&
      l.heldBy(current) &&
      !allowed.includes(l.cls),
  );
  return held === undefined ? '' : `while it holds ${held.name}, which is taken after it elsewhere`;
}

/** Whoever holds slots_lock may be waiting for all readers. */
function readsSlots({ look }: Checker, wanted: Lock): string {
  if (wanted.cls !== 'kvm->slots_lock' || wanted.kind === 'rwsem') return '';
  const reader = look.vcpus.find((v) => v.$get(VCPU_THREAD) === current && v.$get(IN_SRCU) === true);
  return reader === undefined
    ? ''
    : 'inside a read section of kvm.srcu: whoever holds it may be waiting for the end of that section';
}

/** Whoever holds mmu_lock may be waiting for this CPU to take an interrupt. */
function interruptsOff({ kvm }: Checker, wanted: Lock): string {
  if (wanted.cls !== 'kvm->mmu_lock') return '';
  const cpus = kvm.$get(kvm.$slotOf('cpus')) as { length: number; element(i: number): unknown };
  for (let i = 0; i < cpus.length; i++) {
    const it = cpus.element(i) as Cpu;
    if (it.$get(CURR) === current && it.$get(IRQS_OFF) === true)
      return `with interrupts off: whoever holds it may be waiting for cpu ${i} to take one`;
  }
  return '';
}
