/** Operations of the virtual machine: what the VMM asks of KVM. */
import { BOOL, handle, INT, type KObject, NONE } from '../../../machine/index.js';
import { type Operation, type Param, UsageError } from '../../subsystem.js';
import {
  kvm_vm_ioctl_delete_memory_region,
  kvm_vm_ioctl_disable_dirty_log,
  kvm_vm_ioctl_enable_dirty_log,
  kvm_vm_ioctl_get_dirty_log,
  kvm_vm_ioctl_set_memory_region,
  kvm_vm_ioctl_set_nr_mmu_pages,
  vm_slot_remove_write_access,
  vm_zap_all,
} from '../ioctl.js';
import type { Kvm } from '../structures/kvm.js';
import { type Memslot, memslot } from '../structures/memslot.js';
import { hex } from '../structures/pointer.js';
import { pages } from './arguments.js';

const vm = (self: KObject): Kvm => self as unknown as Kvm;
const on = 'kvm';
const SLOT: Param = {
  name: 'slot',
  type: handle('memslot'),
  doc: 'A memory slot, as `vm.memslot` returned it.',
};
/** Fewest shadow pages that userspace may ask for. */
const KVM_MIN_ALLOC_MMU_PAGES = 64;
/** Bits in the slot bitmap of a shadow page. */
const MAX_SLOTS = 64;

/** A slot that exists. */
function slotOf(v: unknown): Memslot {
  if (!(v instanceof memslot)) throw new UsageError('slot must be a memory slot, as `vm.memslot` returns it');
  const slot = v as unknown as Memslot;
  if (!slot.exists) throw new UsageError(`memory slot ${slot.id} has been deleted`);
  return slot;
}

function checkRange(kvm: Kvm, base: number, size: number, hva: number): void {
  if (size === 0) throw new UsageError('a memory slot must have at least one page: size is 0');
  const room = kvm.mm.task_size;
  if (hva + size > room)
    throw new UsageError(
      `the slot needs host memory up to ${hex(hva + size)}, but the process has only ${hex(room)}: make it smaller, or write \`use mmu { memory: ... }\``,
    );
  const slots = kvm.memslots.memslots.items();
  if (slots.length >= MAX_SLOTS) throw new UsageError(`there cannot be more than ${MAX_SLOTS} memory slots`);
  const last = (base + size) / 4096;
  const clash = slots.find((s) => base / 4096 < s.base_gfn + s.npages && s.base_gfn < last);
  if (clash !== undefined)
    throw new UsageError(
      `guest memory ${hex(base)}..${hex(base + size - 1)} overlaps memory slot ${clash.id}, which has ${hex(clash.base_gfn * 4096)}..${hex((clash.base_gfn + clash.npages) * 4096 - 1)}`,
    );
}

export const vmOperations: readonly Operation[] = [
  {
    name: 'memslot',
    on,
    doc: 'Gives the guest memory: `size` bytes from guest physical address `base` on, which lie in the process from `hva` on. Returns the slot.',
    params: [
      { name: 'base', type: INT, doc: 'Guest physical address of the first page.' },
      { name: 'size', type: INT, doc: 'Number of bytes: whole pages.' },
      { name: 'dirty_log', type: BOOL, doc: 'Log written pages from the start.', default: false },
      {
        name: 'huge',
        type: BOOL,
        doc: 'The host backs it with transparent huge pages of 2 MiB where it can.',
        default: false,
      },
      {
        name: 'hugetlb',
        type: BOOL,
        doc: 'The host backs it with huge pages of 2 MiB from hugetlbfs.',
        default: false,
      },
      {
        name: 'readonly_host',
        type: BOOL,
        doc: 'The host first maps pages read-only, and makes them writable at the first write of the process.',
        default: false,
      },
      {
        name: 'hva',
        type: INT,
        doc: 'Host virtual address of the first page; -1 for the same as `base`.',
        default: -1,
      },
    ],
    returns: handle('memslot'),
    run: (self, [base, size, dirty_log, huge, hugetlb, readonly_host, hva]) => {
      const first = pages(base, 'base');
      const bytes = pages(size, 'size');
      const at = hva === -1 ? first : pages(hva, 'hva');
      checkRange(vm(self), first, bytes, at);
      const region = {
        vm_start: at,
        vm_end: at + bytes,
        huge: huge === true,
        hugetlb: hugetlb === true,
        cow: readonly_host === true,
      };
      return kvm_vm_ioctl_set_memory_region(vm(self), first / 4096, bytes / 4096, region, dirty_log === true);
    },
  },
  {
    name: 'delete_memslot',
    on,
    doc: 'Takes a memory slot away from the guest: waits for those who look at slots, and drops all shadow pages.',
    params: [SLOT],
    returns: NONE,
    run: (self, [slot]) => kvm_vm_ioctl_delete_memory_region(vm(self), slotOf(slot)),
  },
  {
    name: 'enable_dirty_log',
    on,
    doc: 'Begins to log the written pages of a slot, and write-protects them.',
    params: [SLOT],
    returns: NONE,
    run: (self, [slot]) => kvm_vm_ioctl_enable_dirty_log(vm(self), slotOf(slot)),
  },
  {
    name: 'disable_dirty_log',
    on,
    doc: 'Ends the logging of a slot. What nobody has harvested is forgotten.',
    params: [SLOT],
    returns: NONE,
    run: (self, [slot]) => kvm_vm_ioctl_disable_dirty_log(vm(self), slotOf(slot)),
  },
  {
    name: 'get_dirty_log',
    on,
    doc: 'Harvests the dirty log of a slot: returns the pages written since the last time, as bits counted from the first page, and write-protects them again.',
    params: [SLOT],
    returns: { kind: 'bitmap' },
    run: (self, [slot]) => kvm_vm_ioctl_get_dirty_log(vm(self), slotOf(slot)),
  },
  {
    name: 'slot_remove_write_access',
    on,
    doc: 'Write-protects everything that maps a slot (`kvm_mmu_slot_remove_write_access`).',
    params: [SLOT],
    returns: NONE,
    run: (self, [slot]) => vm_slot_remove_write_access(vm(self), slotOf(slot)),
  },
  {
    name: 'set_nr_mmu_pages',
    on,
    doc: 'Sets how many shadow pages there may be (KVM_SET_NR_MMU_PAGES), and reclaims what is above that.',
    params: [{ name: 'n', type: INT, doc: `Shadow pages: at least ${KVM_MIN_ALLOC_MMU_PAGES}.` }],
    returns: NONE,
    run: (self, [n]) => {
      if (typeof n !== 'number' || n < KVM_MIN_ALLOC_MMU_PAGES)
        throw new UsageError(
          `a virtual machine needs at least ${KVM_MIN_ALLOC_MMU_PAGES} shadow pages, not ${String(n)} (-EINVAL)`,
        );
      return kvm_vm_ioctl_set_nr_mmu_pages(vm(self), n);
    },
  },
  {
    name: 'zap_all',
    on,
    doc: 'Drops all shadow pages (`kvm_mmu_zap_all`) and makes every vCPU build new ones.',
    params: [],
    returns: NONE,
    run: (self) => vm_zap_all(vm(self)),
  },
];
