/** Events of the emulator: what an spte became, flushes and interrupts, and the kernel's tracepoints in its own text form. */
import { BOOL, type EventField, type EventType, event, INT, STRING } from '../../machine/index.js';
import { roleText } from './structures/mmu_page.js';

const num = (name: string, doc: string): EventField => ({ name, type: INT, doc });
const hexa = (name: string, doc: string): EventField => ({ name, type: INT, doc, show: 'hex' });
const text = (name: string, doc: string): EventField => ({ name, type: STRING, doc });
const flag = (name: string, doc: string): EventField => ({ name, type: BOOL, doc });

const h = (v: unknown): string => (v as number | bigint).toString(16);
const BITS = [
  'present',
  'writable',
  'accessed',
  'dirty',
  'host_writeable',
  'mmu_writeable',
  'large',
] as const;
const bitsOf = (when: string, word: string) =>
  BITS.map((b) => flag(`${when}_${b}`, `Whether the ${word} value is ${b.replace('_', ' ')}.`));

/** An spte has changed. */
export const SPTE = event(
  'spte',
  'SPTE transition',
  'Shadow MMU',
  'An entry of a shadow page table has a new value.',
  [
    hexa('gfn', 'First guest frame that the entry is for.'),
    num('level', 'Level of its table: 1 maps 4 KiB.'),
    hexa('old', 'The word before.'),
    hexa('new', 'The word now.'),
    ...bitsOf('old', 'old'),
    ...bitsOf('new', 'new'),
    hexa('old_pfn', 'Frame of the host that it pointed to.'),
    hexa('pfn', 'Frame of the host that it points to.'),
    hexa('sptep', 'Physical address of the entry.'),
  ],
  {
    format: (v) => `spte gfn ${h(v[0])} level ${v[1]}: 0x${h(v[2])} -> 0x${h(v[3])}`,
    writes: 'memory',
  },
);

export const TLB_FLUSH = event(
  'tlb.flush',
  'TLB flush',
  'Shadow MMU',
  'A vCPU drops cached translations.',
  [
    num('vcpu', 'Number of the vCPU.'),
    text('what', '`all`, or the guest frame that was dropped.'),
    text('reason', 'Why: `request`, `root loaded`, `fault`.'),
    num('entries', 'Entries that were dropped.'),
  ],
  { format: (v) => `vcpu ${v[0]} flushes ${v[1]} (${v[2]}), ${v[3]} entries` },
);

export const IPI_SENT = event(
  'ipi.sent',
  'Interrupt sent',
  'Shadow MMU',
  'A CPU sends another an interrupt, to get its vCPU out of guest mode or to wait for the end of its page walk.',
  [num('cpu', 'Where it goes.'), num('from', 'Who sends it; -1 for a thread that is on no CPU.')],
  { format: (v) => `cpu ${v[1]} interrupts cpu ${v[0]}` },
);
export const IPI_ACKED = event(
  'ipi.acked',
  'Interrupt handled',
  'Shadow MMU',
  'A CPU has handled an interrupt.',
  [num('cpu', 'The CPU.')],
  {
    format: (v) => `cpu ${v[0]} has handled the interrupt`,
  },
);
export const WARN = event(
  'warn',
  'WARN_ON',
  'Failures',
  'Kernel code found something odd, and goes on.',
  [text('message', 'The condition that held.')],
  {
    format: (v) => `WARNING: ${v[0]}`,
  },
);

const trace = (
  id: string,
  label: string,
  doc: string,
  fields: readonly EventField[],
  format: (v: readonly unknown[]) => string,
): EventType => event(id, label, 'Tracepoints', doc, fields, { format: (v) => `${id}: ${format(v)}` });

/** Names of the bits of a page-fault error code, as the kernel's trace writes them. */
export function errorCodeText(code: number): string {
  const names = ['P', 'W', 'U', 'RSVD', 'F'].filter((_, b) => code & (1 << b));
  return names.join('|');
}

const sp = (v: readonly unknown[]): string => {
  const role = v[1] as number;
  return `sp gfn ${h(v[0])} ${roleText(role)} root ${v[2]} ${v[3] ? 'unsync' : 'sync'}`;
};
const SP_FIELDS = [
  hexa('gfn', 'First guest frame of the shadow page.'),
  hexa('role', 'Its role word.'),
  num('root_count', 'Root registers that point to it.'),
  flag('unsync', 'Whether it may lag behind the guest table.'),
];

export const KVM_ENTRY = trace(
  'kvm_entry',
  'Guest entered',
  'A vCPU starts to run guest code.',
  [num('vcpu_id', 'Number of the vCPU.')],
  (v) => `vcpu ${v[0]}`,
);
export const KVM_EXIT = trace(
  'kvm_exit',
  'Guest exited',
  'A vCPU stops running guest code.',
  [
    num('vcpu_id', 'Number of the vCPU.'),
    text('reason', 'Name of the exit reason.'),
    hexa('info1', 'Exit qualification.'),
    hexa('info2', 'Guest physical address.'),
  ],
  (v) => `reason ${v[1]} rip 0x0 info ${h(v[2])} ${h(v[3])}`,
);
export const KVM_PAGE_FAULT = trace(
  'kvm_page_fault',
  'Page fault',
  'A vCPU exited because of a page fault.',
  [hexa('fault_address', 'Guest physical address.'), hexa('error_code', 'Why: P 1, W 2, U 4, RSVD 8, F 16.')],
  (v) => `address ${h(v[0])} error_code ${h(v[1])}`,
);
export const FAST_PAGE_FAULT = trace(
  'fast_page_fault',
  'Fast page fault',
  'The fault path that takes no lock has come to its end.',
  [
    num('vcpu_id', 'Number of the vCPU.'),
    hexa('gva', 'Faulting address.'),
    text('error_code', 'Why it faulted.'),
    hexa('sptep', 'Physical address of the entry.'),
    hexa('old_spte', 'The entry as the walk read it.'),
    hexa('new_spte', 'The entry now.'),
    flag('retry', 'The guest tries again and nothing else is needed.'),
    flag('spurious', 'The entry was writable already.'),
    flag('fixed', 'The entry is writable now.'),
  ],
  (v) =>
    `vcpu ${v[0]} gva ${h(v[1])} error_code ${v[2]} sptep 0x${h(v[3])} old 0x${h(v[4])} new ${h(v[5])} spurious ${Number(v[7])} fixed ${Number(v[8])}`,
);
export const KVM_AGE_PAGE = trace(
  'kvm_age_page',
  'Page handled by a notifier',
  'A notifier has looked at all mappings of a host page.',
  [
    hexa('hva', 'Host virtual address.'),
    hexa('gfn', 'Guest frame.'),
    flag('referenced', 'Whether a mapping was found (or found used).'),
  ],
  (v) => `hva ${h(v[0])} gfn ${h(v[1])} ${v[2] ? 'YOUNG' : 'OLD'}`,
);
export const KVM_MMU_GET_PAGE = trace(
  'kvm_mmu_get_page',
  'Shadow page taken',
  'A shadow page was found or created.',
  [...SP_FIELDS, flag('created', 'Whether it is new.')],
  (v) => `${sp(v)} ${v[4] ? 'new' : 'existing'}`,
);
export const KVM_MMU_PREPARE_ZAP_PAGE = trace(
  'kvm_mmu_prepare_zap_page',
  'Shadow page zapped',
  'A shadow page is emptied and unlinked.',
  SP_FIELDS,
  sp,
);
export const MARK_MMIO_SPTE = trace(
  'mark_mmio_spte',
  'MMIO spte made',
  'An entry was made that marks an address without memory.',
  [
    hexa('sptep', 'Physical address of the entry.'),
    hexa('gfn', 'Guest frame.'),
    hexa('access', 'Rights noted in it.'),
  ],
  (v) => `sptep:0x${h(v[0])} gfn ${h(v[1])} access ${h(v[2])}`,
);
export const HANDLE_MMIO_PAGE_FAULT = trace(
  'handle_mmio_page_fault',
  'MMIO recognised',
  'A fault met an MMIO entry and is emulated.',
  [
    hexa('addr', 'Faulting address.'),
    hexa('gfn', 'Guest frame.'),
    hexa('access', 'Rights noted in the entry.'),
  ],
  (v) => `addr:${h(v[0])} gfn ${h(v[1])} access ${h(v[2])}`,
);

const ofPage = (id: string, label: string, doc: string) => trace(id, label, doc, SP_FIELDS, sp);
export const KVM_MMU_UNSYNC_PAGE = ofPage(
  'kvm_mmu_unsync_page',
  'Shadow page goes unsync',
  'A guest table becomes writable for the guest; its shadow may lag behind from now on.',
);
export const KVM_MMU_SYNC_PAGE = ofPage(
  'kvm_mmu_sync_page',
  'Shadow page synced',
  'A shadow page is about to be brought up to date with its guest table, which is write-protected again.',
);
export const KVM_MMU_PAGETABLE_WALK = trace(
  'kvm_mmu_pagetable_walk',
  'Guest tables walked',
  'KVM begins to walk the tables of the guest.',
  [hexa('addr', 'Virtual address.'), hexa('pferr', 'What is attempted: W 2, U 4, F 16.')],
  (v) => `addr ${h(v[0])} pferr ${h(v[1])} ${errorCodeText(v[1] as number)}`,
);
export const KVM_MMU_PAGING_ELEMENT = trace(
  'kvm_mmu_paging_element',
  'Guest entry read',
  'KVM has read an entry of a guest table.',
  [hexa('pte', 'The entry.'), num('level', 'Level of its table.')],
  (v) => `pte ${h(v[0])} level ${v[1]}`,
);
const setsBit = (id: string, label: string, bit: string) =>
  trace(
    id,
    label,
    `KVM is about to set ${bit} in an entry of a guest table, as the hardware would.`,
    [hexa('gpa', 'Guest physical address of the entry.')],
    (v) => `gpa ${h(v[0])}`,
  );
export const KVM_MMU_SET_ACCESSED_BIT = setsBit('kvm_mmu_set_accessed_bit', 'Guest A bit set', 'A');
export const KVM_MMU_SET_DIRTY_BIT = setsBit('kvm_mmu_set_dirty_bit', 'Guest D bit set', 'D');
export const KVM_MMU_WALKER_ERROR = trace(
  'kvm_mmu_walker_error',
  'Guest page fault',
  'The tables of the guest forbid an access: the guest gets a page fault.',
  [hexa('pferr', 'Error code: P 1, W 2, U 4, RSVD 8, F 16.')],
  (v) => `pferr ${h(v[0])} ${errorCodeText(v[0] as number)}`,
);

/** All events of this subsystem. */
export const events: readonly EventType[] = [
  SPTE,
  TLB_FLUSH,
  IPI_SENT,
  IPI_ACKED,
  WARN,
  KVM_ENTRY,
  KVM_EXIT,
  KVM_PAGE_FAULT,
  FAST_PAGE_FAULT,
  KVM_AGE_PAGE,
  KVM_MMU_GET_PAGE,
  KVM_MMU_PREPARE_ZAP_PAGE,
  KVM_MMU_UNSYNC_PAGE,
  KVM_MMU_SYNC_PAGE,
  KVM_MMU_PAGETABLE_WALK,
  KVM_MMU_PAGING_ELEMENT,
  KVM_MMU_SET_ACCESSED_BIT,
  KVM_MMU_SET_DIRTY_BIT,
  KVM_MMU_WALKER_ERROR,
  MARK_MMIO_SPTE,
  HANDLE_MMIO_PAGE_FAULT,
];
