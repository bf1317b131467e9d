/** Operations on the paging of the guest: control registers, INVLPG, and building page tables. */
import { BOOL, INT, type KObject, NONE } from '../../../machine/index.js';
import { type Operation, type Param, UsageError } from '../../subsystem.js';
import {
  PT_ACCESSED_MASK,
  PT_DIRTY_MASK,
  PT_GLOBAL_MASK,
  PT_PRESENT_MASK,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  PT64_NX_MASK,
} from '../bits.js';
import {
  guest_invlpg,
  guest_set_cr0,
  guest_set_cr3,
  guest_set_cr4,
  guest_set_efer,
} from '../guest/control.js';
import { EFER_LME, EFER_NX } from '../guest/control_registers.js';
import { gpte_pages } from '../guest/gpte.js';
import { guest_format, guest_is_paged } from '../guest/init_mmu.js';
import { guest_pv_flush, guest_pv_release_pt, guest_pv_write_pte } from '../guest/paravirt.js';
import { vm_map, vm_new_table } from '../guest/tables.js';
import type { Kvm } from '../structures/kvm.js';
import { hex } from '../structures/pointer.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { address, guestAddress, pages, value } from './arguments.js';

/** Bits of an entry, by the names of the parameters that ask for them. */
export const GPTE_BITS: readonly (readonly [name: string, doc: string, initially: boolean, mask: bigint])[] =
  [
    ['present', 'P: the entry maps something.', true, PT_PRESENT_MASK],
    ['write', 'W: stores are allowed.', true, PT_WRITABLE_MASK],
    ['user', 'U: user code may use it.', true, PT_USER_MASK],
    ['accessed', 'A: it was used.', true, PT_ACCESSED_MASK],
    ['dirty', 'D: it was stored through.', true, PT_DIRTY_MASK],
    ['global', 'G: a load of cr3 does not flush it.', false, PT_GLOBAL_MASK],
    ['nx', 'NX, bit 63: no instructions may be fetched. Only with EFER.NX.', false, PT64_NX_MASK],
  ];

/** The parameters for the bits of an entry. */
export const gpteParams: readonly Param[] = GPTE_BITS.map(([name, doc, initially]) => ({
  name,
  type: BOOL,
  doc,
  default: initially,
}));

/** The bits that those parameters ask for. */
export const gpteBits = (args: readonly unknown[]): bigint =>
  GPTE_BITS.reduce((bits, [, , , mask], i) => (args[i] === true ? bits | mask : bits), 0n);

const vcpuOf = (self: KObject): KvmVcpu => self as unknown as KvmVcpu;

/** A vCPU whose paging can be changed. */
function changeable(vcpu: KvmVcpu): KvmVcpu {
  if (vcpu.kvm.walk.paged) return vcpu;
  throw new UsageError(
    'this guest runs without page tables of its own, and its addresses are guest physical ones: write `use mmu { paging: tdp, guest_paging: 64 }` for tables that the hardware walks too, or `use mmu { paging: 64 }` for tables that KVM shadows; `nonpaging`, `32` and `pae` are the other modes',
  );
}

/** A vCPU that has page tables: their form follows from its mode. */
function paged(vcpu: KvmVcpu): KvmVcpu {
  if (guest_is_paged(changeable(vcpu))) return vcpu;
  throw new UsageError(
    `vcpu[${vcpu.vcpu_id}] has paging off, so there is no saying what page tables look like: turn it on, or name another vCPU with \`vcpu:\``,
  );
}

/** The vCPU of a number. */
export function numbered(kvm: Kvm, n: unknown): KvmVcpu {
  if (typeof n === 'number' && n >= 0 && n < kvm.vcpus.length) return paged(kvm.vcpus.at(n));
  throw new UsageError(`there is no vcpu[${String(n)}]: there are ${kvm.vcpus.length}`);
}

/** A register of a vCPU. */
function register(v: unknown, what: string, limit: number): number {
  if (typeof v === 'number' && v >= 0 && v < limit) return v;
  throw new UsageError(`${what} must be an integer from 0 to ${hex(limit - 1)}, not ${String(v)}`);
}

/** A level at which the entries of a guest can map pages. */
function pageLevel(vcpu: KvmVcpu, v: unknown): number {
  const f = guest_format(vcpu);
  const most = f.root_level === 4 ? 3 : f.type.bytes === 4 && !f.pse ? 1 : 2;
  if (typeof v === 'number' && v >= 1 && v <= most) return v;
  throw new UsageError(`this guest maps pages at level 1${most > 1 ? ` to ${most}` : ''}, not ${String(v)}`);
}

/** What marks an address as one of the guest's own kind. */
export const VCPU: Param = {
  name: 'vcpu',
  type: INT,
  doc: 'Number of the vCPU in whose mode the tables are.',
  default: 0,
};

const load = (
  name: string,
  doc: string,
  param: Param,
  limit: number,
  run: (vcpu: KvmVcpu, v: number) => ReturnType<Operation['run']>,
): Operation => ({
  name,
  on: 'kvm_vcpu',
  doc,
  params: [param],
  returns: NONE,
  run: (self, [v]) => run(changeable(vcpuOf(self)), register(v, param.name, limit)),
});
const VALUE = (doc: string): Param => ({ name: 'value', type: INT, doc });
const ON: Param = { name: 'on', type: BOOL, doc: 'Whether it is on from now on.' };
const efer = (name: string, doc: string, bit: number): Operation => ({
  name,
  on: 'kvm_vcpu',
  doc,
  params: [ON],
  returns: NONE,
  run: (self, [on]) => guest_set_efer(changeable(vcpuOf(self)), bit, on === true),
});

export const pagingOperations: readonly Operation[] = [
  {
    name: 'set_cr3',
    on: 'kvm_vcpu',
    doc: 'Guest code loads cr3: uses other page tables from now on. The value that is there already flushes the TLB.',
    params: [
      VALUE('Guest physical address of the root table.'),
      {
        name: 'emulated',
        type: BOOL,
        doc: 'Whether KVM emulates the instruction, as it does while the hardware cannot run the guest in the state that it is in.',
        default: false,
      },
    ],
    returns: NONE,
    run: (self, [v, emulated]) =>
      guest_set_cr3(changeable(vcpuOf(self)), register(v, 'value', 2 ** 48), emulated === true),
  },
  load(
    'set_cr0',
    'Guest code loads cr0: PG (bit 31) turns paging on, WP (bit 16) keeps supervisor code to read-only pages.',
    VALUE('The whole register.'),
    2 ** 32,
    guest_set_cr0,
  ),
  load(
    'set_cr4',
    'Guest code loads cr4: PSE (bit 4), PAE (bit 5), PGE (bit 7), SMEP (bit 20).',
    VALUE('The whole register.'),
    2 ** 32,
    guest_set_cr4,
  ),
  efer('set_efer_nx', 'Guest code turns EFER.NX on or off: whether entries can forbid execution.', EFER_NX),
  efer(
    'set_efer_lme',
    'Guest code turns EFER.LME on or off: whether turning paging on enters long mode.',
    EFER_LME,
  ),
  {
    name: 'flush',
    on: 'kvm_vcpu',
    doc: 'Guest code flushes its TLB, by loading cr3 with the value that it has.',
    params: [],
    returns: NONE,
    run: (self) => guest_set_cr3(changeable(vcpuOf(self)), vcpuOf(self).arch.cr3),
  },
  {
    name: 'invlpg',
    on: 'kvm_vcpu',
    doc: 'Guest code drops the translation of one address from its TLB.',
    params: [{ name: 'addr', type: INT, doc: 'Virtual address of any byte of the page.' }],
    returns: NONE,
    run: (self, [addr]) => guest_invlpg(changeable(vcpuOf(self)), guestAddress(vcpuOf(self), addr, 'addr')),
  },
  {
    name: 'pv_flush',
    on: 'kvm_vcpu',
    doc: 'Guest code that knows that it runs on KVM flushes its TLB by a hypercall.',
    params: [],
    returns: NONE,
    run: (self) => guest_pv_flush(changeable(vcpuOf(self))),
  },
  {
    name: 'pv_write_pte',
    on: 'kvm_vcpu',
    doc: 'Guest code stores an entry of one of its page tables by a hypercall: KVM emulates the store, and no fault is needed for that.',
    params: [
      { name: 'gpa', type: INT, doc: 'Guest physical address of the entry.' },
      { name: 'gpte', type: INT, doc: 'The entry; `gpte(...)` makes one.' },
    ],
    returns: NONE,
    run: (self, [gpa, gpte]) => {
      const vcpu = paged(changeable(vcpuOf(self)));
      const { bytes } = guest_format(vcpu).type;
      if (address(gpa, 'gpa') % bytes !== 0)
        throw new UsageError(`gpa ${hex(gpa as number)} is not a multiple of the size of an entry, ${bytes}`);
      return guest_pv_write_pte(vcpu, gpa as number, value(gpte, 'gpte'));
    },
  },
  {
    name: 'pv_release_pt',
    on: 'kvm_vcpu',
    doc: 'Guest code says by a hypercall that a page is no page table any more: its shadow pages are dropped.',
    params: [{ name: 'gpa', type: INT, doc: 'Guest physical address of the page.' }],
    returns: NONE,
    run: (self, [gpa]) => guest_pv_release_pt(changeable(vcpuOf(self)), address(gpa, 'gpa')),
  },
  {
    name: 'new_table',
    on: 'kvm',
    doc: 'Takes a page of guest memory for a page table, and returns its guest physical address. It is empty.',
    params: [],
    returns: INT,
    run: (self) => vm_new_table((changeable((self as unknown as Kvm).vcpus.at(0)) as KvmVcpu).kvm),
  },
  {
    name: 'map',
    on: 'kvm',
    doc: 'Writes entries of guest page tables, as whoever loads the guest does: plain stores that KVM does not see. Tables that are missing on the way are made; their entries allow everything. Returns the guest physical address of the first entry.',
    params: [
      {
        name: 'cr3',
        type: INT,
        doc: 'Guest physical address of the root table, as `vm.new_table` returned it.',
      },
      { name: 'va', type: INT, doc: 'First virtual address.' },
      { name: 'gpa', type: INT, doc: 'Guest physical address that it is mapped to.' },
      { name: 'pages', type: INT, doc: 'Number of pages.', default: 1 },
      {
        name: 'level',
        type: INT,
        doc: 'Size of the pages: 1 for 4 KiB, 2 for 2 MiB (4 MiB in a 32-bit guest), 3 for 1 GiB.',
        default: 1,
      },
      ...gpteParams,
      VCPU,
    ],
    returns: INT,
    run: (self, [cr3, va, gpa, count, level, ...rest]) => {
      const kvm = self as unknown as Kvm;
      const vcpu = numbered(kvm, rest[GPTE_BITS.length]);
      const size = gpte_pages(guest_format(vcpu).type, pageLevel(vcpu, level)) * 4096;
      for (const [v, what] of [
        [va, 'va'],
        [gpa, 'gpa'],
      ] as const)
        if (address(v, what) % size !== 0)
          throw new UsageError(
            `${what} ${hex(address(v, what))} is not a multiple of the page size, ${hex(size)}`,
          );
      if (typeof count !== 'number' || count < 1 || count > 2 ** 20)
        throw new UsageError(`pages must be from 1 to ${2 ** 20}, not ${String(count)}`);
      guestAddress(vcpu, (va as number) + (count - 1) * size, 'va');
      return vm_map(kvm, vcpu, {
        cr3: pages(cr3, 'cr3'),
        va: va as number,
        gpa: gpa as number,
        pages: count,
        level: level as number,
        bits: gpteBits(rest),
      });
    },
  },
];
