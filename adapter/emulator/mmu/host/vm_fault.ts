/** The process touches guest memory through a mapping of the file that stands for the virtual machine. */
import { down_read, type Step, up_read } from '../../../machine/index.js';
import { host_begin, operation_end } from '../operation.js';
import { srcu_read_lock, srcu_read_unlock } from '../srcu.js';
import type { Kvm } from '../structures/kvm.js';

/** What the file does for a fault: finds the page. The fault handler of the host holds `mmap_sem` for reading. */
function* kvm_vm_fault(kvm: Kvm, hva: number): Step<void> {
  const idx = srcu_read_lock(kvm.srcu);
  yield* kvm.variant.gup_in_vm_fault(kvm, hva);
  srcu_read_unlock(kvm.srcu, idx);
}

/** A page fault of the process in such a mapping. */
export function* host_vm_fault(kvm: Kvm, hva: number): Step<void> {
  const c = yield* host_begin(kvm);
  yield* down_read(kvm.mm.mmap_sem);
  yield* kvm_vm_fault(kvm, hva);
  yield* up_read(kvm.mm.mmap_sem);
  operation_end(kvm, c);
}
