/** Operations of the host on the memory of the process that runs the guest. */
import { BOOL, INT, type KObject, NONE, type Step } from '../../../machine/index.js';
import { type Operation, type Param, UsageError } from '../../subsystem.js';
import { find_vma } from '../host/fault.js';
import {
  host_age,
  host_migrate_page,
  host_read_guest,
  host_swap_in,
  host_swap_out,
  host_test_age,
  host_unmap,
  host_write_guest,
  host_writeback,
} from '../host/pages.js';
import { host_change_pte, host_collapse, host_make_readonly, host_split } from '../host/thp.js';
import { host_vm_fault } from '../host/vm_fault.js';
import { host_shrink } from '../ioctl.js';
import type { MmStruct, VmAreaStruct } from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { hex } from '../structures/pointer.js';
import { address, value, word } from './arguments.js';

/** The virtual machine whose memory it is. */
const kvmOf = (self: KObject): Kvm => (self as unknown as MmStruct).kvm;
const on = 'mm_struct';
const HVA: Param = { name: 'hva', type: INT, doc: 'Host virtual address of any byte of the page.' };

/** The area of an address. */
function areaOf(kvm: Kvm, hva: number): VmAreaStruct {
  const vma = find_vma(kvm.mm, hva);
  if (vma !== null) return vma;
  const areas = kvm.mm.mmap.items().map((v) => `${hex(v.vm_start)}..${hex(v.vm_end - 1)}`);
  throw new UsageError(
    `hva ${hex(hva)} is not mapped by the process${areas.length === 0 ? ': there is no memory slot yet' : `, which has ${areas.join(', ')}`}`,
  );
}

function mapped(kvm: Kvm, v: unknown): number {
  const hva = address(v, 'hva');
  areaOf(kvm, hva);
  return hva;
}

/** An address whose page the host can take apart. Pages of hugetlbfs it leaves as they are. */
function pageable(kvm: Kvm, v: unknown): number {
  const hva = mapped(kvm, v);
  if (areaOf(kvm, hva).hugetlb)
    throw new UsageError(
      `hva ${hex(hva)} is backed by hugetlbfs, whose pages are neither swapped, split nor merged; make the slot with \`huge: true\` for huge pages that are`,
    );
  return hva;
}

/** The host address of a guest address, by the slots as they are now. */
function behind(kvm: Kvm, gpa: number): number {
  const slot = kvm.memslots.memslots
    .items()
    .find((s) => gpa / 4096 >= s.base_gfn && gpa / 4096 < s.base_gfn + s.npages);
  if (slot === undefined) throw new UsageError(`gpa ${hex(gpa)} is in no memory slot`);
  return slot.userspace_addr + gpa - slot.base_gfn * 4096;
}

const plain = (
  name: string,
  doc: string,
  run: (kvm: Kvm, hva: number) => Step<unknown>,
  returns: Operation['returns'] = NONE,
  check: (kvm: Kvm, v: unknown) => number = mapped,
): Operation => ({
  name,
  on,
  doc,
  params: [HVA],
  returns,
  run: (self, [hva]) => run(kvmOf(self), check(kvmOf(self), hva)),
});

export const hostOperations: readonly Operation[] = [
  plain(
    'unmap',
    'The host discards a page (MADV_DONTNEED; a whole huge page of hugetlbfs): what it held is lost, and the next touch finds zeroes.',
    host_unmap,
  ),
  plain(
    'swap_out',
    'The host reclaims a page: written to swap if it is dirty, dropped if it is clean.',
    host_swap_out,
    NONE,
    pageable,
  ),
  {
    name: 'writeback',
    on,
    doc: 'The host writes a page out and keeps it: it is clean then.',
    params: [
      HVA,
      {
        name: 'notify',
        type: BOOL,
        doc: 'Whether the mappings of the guest are removed first, as every host does.',
        default: true,
      },
    ],
    returns: NONE,
    run: (self, [hva, notify]) => host_writeback(kvmOf(self), pageable(kvmOf(self), hva), notify === true),
  },
  plain(
    'migrate_page',
    'The host moves a page to another frame, as memory compaction does.',
    host_migrate_page,
    NONE,
    pageable,
  ),
  {
    name: 'shrink',
    on,
    doc: 'The host is short of memory and asks for shadow pages (`mmu_shrink`). Returns how many there are afterwards, of all virtual machines.',
    params: [
      {
        name: 'nr_to_scan',
        type: INT,
        doc: 'How many virtual machines to look at, at the most; 0 only asks for the number of pages.',
      },
    ],
    returns: INT,
    run: (self, [n]) => {
      if (typeof n !== 'number' || n < 0)
        throw new UsageError(`nr_to_scan must be an integer from 0 on, not ${String(n)}`);
      return host_shrink(kvmOf(self), n);
    },
  },
  {
    name: 'vm_fault',
    on,
    doc: 'A thread of the process touches guest memory through a mapping of the file that stands for the virtual machine, and faults.',
    params: [{ name: 'gpa', type: INT, doc: 'Guest physical address of any byte of the page.' }],
    returns: NONE,
    run: (self, [gpa]) => host_vm_fault(kvmOf(self), behind(kvmOf(self), address(gpa, 'gpa'))),
  },
  plain('swap_in', 'The host brings a page into memory, as a read of the process would.', host_swap_in),
  plain(
    'age',
    'The host asks whether the guest has used a page, and forgets it (`clear_flush_young`).',
    host_age,
    BOOL,
  ),
  plain('test_age', 'The host asks whether the guest has used a page (`test_young`).', host_test_age, BOOL),
  {
    name: 'make_readonly',
    on,
    doc: 'The host makes a page read-only, as fork does. With `shared` somebody else uses it too, so that the next write copies it.',
    params: [
      HVA,
      { name: 'shared', type: BOOL, doc: 'Whether the page has another user from now on.', default: false },
    ],
    returns: NONE,
    run: (self, [hva, shared]) => {
      const check = shared === true ? pageable : mapped;
      return host_make_readonly(kvmOf(self), check(kvmOf(self), hva), shared === true);
    },
  },
  {
    name: 'change_pte',
    on,
    doc: 'The host puts another frame with the same contents behind a page: read-only when KSM merges it, writable when a copy is made.',
    params: [
      HVA,
      {
        name: 'readonly',
        type: BOOL,
        doc: 'Whether the new frame is shared and must not be written.',
        default: true,
      },
    ],
    returns: NONE,
    run: (self, [hva, readonly]) =>
      host_change_pte(kvmOf(self), pageable(kvmOf(self), hva), readonly === true),
  },
  plain('collapse', 'The host replaces the small pages of 2 MiB by a huge one (khugepaged).', (kvm, hva) => {
    const vma = areaOf(kvm, pageable(kvm, hva));
    const start = hva - (hva % 2 ** 21);
    if (start < vma.vm_start || start + 2 ** 21 > vma.vm_end)
      throw new UsageError(
        `2 MiB around hva ${hex(hva)} do not fit the area ${hex(vma.vm_start)}..${hex(vma.vm_end - 1)}`,
      );
    return host_collapse(kvm, hva);
  }),
  plain('split', 'The host splits a huge page into small ones.', host_split, NONE, pageable),
  {
    name: 'write_guest',
    on,
    doc: 'The process, or a device, stores to guest memory through its own mapping: KVM sees nothing, and logs it only with `mark`.',
    params: [
      { name: 'gpa', type: INT, doc: 'Guest physical address of a word.' },
      { name: 'value', type: INT, doc: 'What is stored.' },
      {
        name: 'mark',
        type: BOOL,
        doc: 'Whether the process tells KVM that the page is dirty.',
        default: false,
      },
    ],
    returns: NONE,
    run: (self, [gpa, v, mark]) => {
      const at = word(gpa, 'gpa');
      return host_write_guest(kvmOf(self), at, behind(kvmOf(self), at), value(v, 'value'), mark === true);
    },
  },
  {
    name: 'read_guest',
    on,
    doc: 'The process loads a word of guest memory through its own mapping.',
    params: [{ name: 'gpa', type: INT, doc: 'Guest physical address of a word.' }],
    returns: INT,
    run: (self, [gpa]) => host_read_guest(kvmOf(self), behind(kvmOf(self), word(gpa, 'gpa'))),
  },
];
