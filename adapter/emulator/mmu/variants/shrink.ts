/** How the shrinker chooses a virtual machine, and when a page counts as gone (specification, section 10.4). */
import { READ_ONCE, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { kvm_mod_used_mmu_pages } from '../mmu_page.js';
import { kvm_mmu_remove_some_alloc_mmu_pages } from '../shrinker.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMain } from '../structures/kvm_main.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { SwitchTable, ZapCount } from '../variant.js';
import { kvm_mmu_commit_zap_page } from '../zap.js';

/** Takes a page of one virtual machine, and lets the others come first the next time. */
function* shrink_vm(main: KvmMain, kvm: Kvm): Step<void> {
  const { shrink_slots } = kvm.variant;
  const idx = yield* shrink_slots.begin(kvm);
  if (idx < 0) return;
  yield* spin_lock(kvm.mmu_lock);
  const invalid_list: KvmMmuPage[] = [];
  yield* kvm_mmu_remove_some_alloc_mmu_pages(kvm, invalid_list);
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  yield* spin_unlock(kvm.mmu_lock);
  yield* shrink_slots.end(kvm, idx);
  main.vm_list.del(kvm);
  main.vm_list.add_tail(kvm);
}

/** As merged with the fast page fault: the test is the wrong way round, so only those that have no pages are shrunk. */
function* inverted(main: KvmMain, nr_to_scan: number): Step<void> {
  const vms = [...main.vm_list.items()];
  let left = nr_to_scan;
  for (let k = 0; k < vms.length; k++) {
    const kvm = vms[k] as Kvm;
    if ((yield* READ_ONCE(kvm.arch, 'n_used_mmu_pages')) > 0) {
      if (left-- === 0) return;
      continue;
    }
    yield* shrink_vm(main, kvm);
    return;
  }
}

function* fixed(main: KvmMain, nr_to_scan: number): Step<void> {
  const vms = [...main.vm_list.items()];
  let left = nr_to_scan;
  for (let k = 0; k < vms.length; k++) {
    const kvm = vms[k] as Kvm;
    if (left-- === 0) return;
    if ((yield* READ_ONCE(kvm.arch, 'n_used_mmu_pages')) === 0) continue;
    yield* shrink_vm(main, kvm);
    return;
  }
}

/** Before: locks every virtual machine, and takes a page from the first that has one. */
function* scan_all(main: KvmMain, nr_to_scan: number): Step<void> {
  const vms = [...main.vm_list.items()];
  let kvm_freed: Kvm | null = null;
  for (let k = 0; k < vms.length; k++) {
    const kvm = vms[k] as Kvm;
    const { shrink_slots } = kvm.variant;
    const idx = yield* shrink_slots.begin(kvm);
    if (idx < 0) continue;
    yield* spin_lock(kvm.mmu_lock);
    const invalid_list: KvmMmuPage[] = [];
    if (kvm_freed === null && k < nr_to_scan && kvm.arch.n_used_mmu_pages > 0) {
      yield* kvm_mmu_remove_some_alloc_mmu_pages(kvm, invalid_list);
      kvm_freed = kvm;
    }
    yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
    yield* spin_unlock(kvm.mmu_lock);
    yield* shrink_slots.end(kvm, idx);
  }
  if (kvm_freed === null) return;
  main.vm_list.del(kvm_freed);
  main.vm_list.add_tail(kvm_freed);
}

export const shrink: SwitchTable<(main: KvmMain, nr_to_scan: number) => Step<void>> = {
  doc: 'From which virtual machine the shrinker takes a page: the first that has some, or (wrongly) the first that has none; or it goes through all of them with their locks.',
  base: 'inverted',
  values: { inverted, fixed, 'scan-all': scan_all },
};

export const active_empty_check: SwitchTable<boolean> = {
  doc: 'Whether the shrinker looks if there are pages at all before it takes the last of the list.',
  values: { yes: true, no: false },
};

function not_yet(): void {}
const one_less = (kvm: Kvm): void => kvm_mod_used_mmu_pages(kvm, -1);

export const zap_count: SwitchTable<ZapCount> = {
  doc: 'Whether a shadow page no longer counts from when it is taken apart, or from when it is freed.',
  values: {
    prepare: { prepared: one_less, committed: not_yet },
    commit: { prepared: not_yet, committed: one_less },
  },
};
