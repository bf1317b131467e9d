/** Giving shadow pages back when memory is short, or when fewer are allowed (specification, sections 10 and 10.4). */
import { Fault, type Step, spin_lock, spin_unlock } from '../../machine/index.js';
import type { Kvm } from './structures/kvm.js';
import type { KvmMain } from './structures/kvm_main.js';
import type { KvmMmuPage } from './structures/mmu_page.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page } from './zap.js';

/** The oldest shadow page; none when there is none. */
function oldest(kvm: Kvm): KvmMmuPage | undefined {
  const pages = kvm.arch.active_mmu_pages.items();
  return pages[pages.length - 1];
}

/** Takes the oldest page apart, with `mmu_lock` held. A virtual machine without pages has none to take. */
export function* kvm_mmu_remove_some_alloc_mmu_pages(kvm: Kvm, invalid_list: KvmMmuPage[]): Step<void> {
  const page = oldest(kvm);
  if (page !== undefined) yield* kvm_mmu_prepare_zap_page(kvm, page, invalid_list);
  else if (!kvm.variant.active_empty_check)
    throw new Fault(
      'panic',
      'INV-L2',
      'general protection fault in kvm_mmu_prepare_zap_page: active_mmu_pages is empty, and its head is taken for a shadow page',
    );
}

const zapped = (vms: readonly Kvm[]): number => vms.reduce((n, kvm) => n + kvm.stat.mmu_shadow_zapped, 0);

/**
 * Called when the host is short of memory. Looks at no more than `nr_to_scan` virtual machines; 0 only asks.
 * @returns the number of shadow pages that there are
 */
export function* mmu_shrink(main: KvmMain, nr_to_scan: number): Step<number> {
  if (nr_to_scan === 0) return main.kvm_total_used_mmu_pages;
  yield* spin_lock(main.kvm_lock);
  const vms = [...main.vm_list.items()];
  const first = vms[0] as Kvm;
  const before = zapped(vms);
  const idle = (kvm: Kvm): boolean => !kvm.variant.shrink_slots.busy(kvm);
  const full = vms.slice(0, nr_to_scan).filter((kvm) => kvm.arch.n_used_mmu_pages > 0 && idle(kvm));
  yield* first.variant.shrink(main, nr_to_scan);
  if (zapped(vms) === before)
    for (const kvm of full.filter(idle)) for (const o of kvm.observers.shrunkInVain) o(nr_to_scan);
  yield* spin_unlock(main.kvm_lock);
  return main.kvm_total_used_mmu_pages;
}

/** Sets how many shadow pages there may be, and reclaims what is above that. `mmu_lock` is held. */
export function* kvm_mmu_change_mmu_pages(kvm: Kvm, goal_nr_mmu_pages: number): Step<void> {
  const { arch } = kvm;
  const invalid_list: KvmMmuPage[] = [];
  let goal = goal_nr_mmu_pages;
  if (arch.n_used_mmu_pages > goal) {
    while (arch.n_used_mmu_pages > goal && arch.active_mmu_pages.length > 0)
      yield* kvm_mmu_prepare_zap_page(kvm, oldest(kvm) as KvmMmuPage, invalid_list);
    yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
    goal = arch.n_used_mmu_pages;
  }
  arch.n_max_mmu_pages = goal;
}
