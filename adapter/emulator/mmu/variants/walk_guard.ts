/** What keeps shadow pages alive while a vCPU walks them without `mmu_lock`. */
import { type Step, smp_mb, WRITE_ONCE } from '../../../machine/index.js';
import { type KvmVcpu, OUTSIDE_GUEST_MODE, READING_SHADOW_PAGE_TABLES } from '../structures/vcpu.js';
import type { SwitchTable, WalkGuard } from '../variant.js';

const mode_irq: WalkGuard = {
  *begin(vcpu: KvmVcpu): Step<void> {
    vcpu.kvm.cpus.at(vcpu.cpu).irqs_off = true;
    yield* WRITE_ONCE(vcpu, 'mode', READING_SHADOW_PAGE_TABLES);
    yield* smp_mb();
  },
  *end(vcpu: KvmVcpu): Step<void> {
    yield* smp_mb();
    yield* WRITE_ONCE(vcpu, 'mode', OUTSIDE_GUEST_MODE);
    vcpu.kvm.cpus.at(vcpu.cpu).irqs_off = false;
  },
};

function* nothing(): Step<void> {}

export const walk_guard: SwitchTable<WalkGuard> = {
  doc: 'What keeps shadow pages alive under a lockless walk: interrupts off and a mode that makes a flush wait, or nothing at all.',
  values: { 'mode-irq': mode_irq, none: { begin: nothing, end: nothing } },
};
