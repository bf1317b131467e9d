/** What keeps shadow pages alive while a vCPU walks them without `mmu_lock`. */
import { atomic_add_return, READ_ONCE, type Step, smp_mb, WRITE_ONCE } from '../../../machine/index.js';
import { kvm_mmu_free_page } from '../mmu_page.js';
import type { Kvm } from '../structures/kvm.js';
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
  walked: not_any_more,
};

/** Counted readers: pages that are unlinked while there are some are freed when the last has gone. */
const rcu: WalkGuard = {
  *begin(vcpu: KvmVcpu): Step<void> {
    yield* atomic_add_return(vcpu.kvm.arch, 'reader_counter', 1);
    yield* smp_mb();
  },
  *end(vcpu: KvmVcpu): Step<void> {
    yield* smp_mb();
    if ((yield* atomic_add_return(vcpu.kvm.arch, 'reader_counter', -1)) === 0) free_pages_rcu(vcpu.kvm);
  },
  *walked(kvm: Kvm): Step<boolean> {
    return (yield* READ_ONCE(kvm.arch, 'reader_counter')) !== 0;
  },
};

/** The grace period is over. */
function free_pages_rcu(kvm: Kvm): void {
  const { rcu_pages } = kvm.arch;
  while (rcu_pages.length > 0) kvm_mmu_free_page(rcu_pages.removeAt(0));
}

/** Who frees need not ask: the flush has waited for walks to end. */
function* not_any_more(): Step<boolean> {
  return false;
}

function* nothing(): Step<void> {}

export const walk_guard: SwitchTable<WalkGuard> = {
  doc: 'What keeps shadow pages alive under a lockless walk: interrupts off and a mode that makes a flush wait, counted readers (RCU, v3.1 to v3.4), or nothing at all.',
  values: { 'mode-irq': mode_irq, rcu, none: { begin: nothing, end: nothing, walked: not_any_more } },
};
