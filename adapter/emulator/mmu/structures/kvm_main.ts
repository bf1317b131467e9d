/** What all virtual machines of a host share. */
import { handle, type Instance, int, KList, Lock, listOf, own, struct } from '../../../machine/index.js';
import type { Kvm } from './kvm.js';

/** The variables of `kvm_main.c` and of the shrinker. */
export const kvm_main = struct(
  'kvm_main',
  'What all virtual machines share: the list of them, and the number of shadow pages that they have together.',
  {
    kvm_lock: own(
      { kind: 'lock' },
      'Protects `vm_list`.',
      () => new Lock('kvm_lock', 'spinlock', 'kvm_lock'),
    ),
    vm_list: own(
      listOf(handle('kvm')),
      'The virtual machines, in the order in which the shrinker visits them.',
      () => new KList<Kvm>(),
      { guard: 'kvm_lock' },
    ),
    kvm_total_used_mmu_pages: int('Shadow pages of all virtual machines.', { guard: 'racy' }),
  },
  (m: KvmMain): string => `${m.vm_list.length} virtual machines, ${m.kvm_total_used_mmu_pages} shadow pages`,
);
export interface KvmMain extends Instance<typeof kvm_main> {}
