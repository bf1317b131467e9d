/** Operations of a vCPU: what guest code does. */
import { BOOL, INT, type KObject, NONE, type Step } from '../../../machine/index.js';
import { type Operation, type Param, UsageError } from '../../subsystem.js';
import { guest_copy } from '../guest/copy.js';
import { guest_format } from '../guest/init_mmu.js';
import type { GuestAccess, Instruction } from '../guest/instruction.js';
import { guest_instruction, vcpu_pause, vcpu_run } from '../guest.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { operand, pages, privilege, value } from './arguments.js';

const vcpu = (self: KObject): KvmVcpu => self as unknown as KvmVcpu;
const ADDR: Param = {
  name: 'addr',
  type: INT,
  doc: 'Address of a word: a virtual one, or a guest physical one where the guest has no page tables (`nonpaging`, and `paging: tdp` without `guest_paging`).',
};
const CPL: Param = {
  name: 'cpl',
  type: INT,
  doc: 'Privilege level of the guest code: 3 is user code. Tables that translate guest physical addresses do not look at it.',
  default: 0,
};
const BYTES: Param = {
  name: 'bytes',
  type: INT,
  doc: 'How many bytes: 1, 2, 4 or 8. `addr` must be a multiple of it.',
  default: 8,
};
const PAGE_TABLE: Param = {
  name: 'page_table',
  type: BOOL,
  doc: 'Whether the instruction is one that kernels write page tables with, such as MOV. When another one stores to a shadowed table, KVM drops the shadow instead of emulating.',
  default: true,
};
const on = 'kvm_vcpu';

/** The access that an operation asks for. */
const access = (
  self: KObject,
  what: Instruction,
  addr: unknown,
  o: { bytes?: unknown; cpl?: unknown; value?: unknown; old?: unknown; page_table?: unknown; gpte?: boolean },
): GuestAccess => ({
  what,
  ...operand(vcpu(self), addr, o.bytes ?? 8),
  value: value(o.value ?? 0, 'value'),
  old: value(o.old ?? 0, 'old'),
  cpl: privilege(o.cpl ?? 0),
  page_table: o.page_table !== false,
  gpte: o.gpte === true,
});

const instruction = (self: KObject, a: GuestAccess): Step<unknown> => guest_instruction(vcpu(self), a);

const FAULTS =
  ' When the tables of the guest forbid it, the guest gets a page fault, which ends the operation: its error code is in `arch.exception.error_code`, its address in `arch.cr2`.';

export const vcpuOperations: readonly Operation[] = [
  {
    name: 'read',
    on,
    doc: `Guest code loads the word at \`addr\`. Returns it; an address that no memory slot has reads as 0. Returns -1 for a page fault.${FAULTS}`,
    params: [ADDR, CPL, BYTES],
    returns: INT,
    run: (self, [addr, cpl, bytes]) => instruction(self, access(self, 'loads', addr, { cpl, bytes })),
  },
  {
    name: 'write',
    on,
    doc: `Guest code stores \`value\` to the word at \`addr\`. Returns whether it could.${FAULTS}`,
    params: [ADDR, { name: 'value', type: INT, doc: 'What is stored: 64 bits.' }, CPL, BYTES, PAGE_TABLE],
    returns: BOOL,
    run: (self, [addr, v, cpl, bytes, page_table]) =>
      instruction(self, access(self, 'stores', addr, { value: v, cpl, bytes, page_table })),
  },
  {
    name: 'exec',
    on,
    doc: `Guest code fetches an instruction from \`addr\`. Returns whether it could.${FAULTS}`,
    params: [ADDR, CPL],
    returns: BOOL,
    run: (self, [addr, cpl]) => instruction(self, access(self, 'fetches', addr, { cpl })),
  },
  {
    name: 'cmpxchg',
    on,
    doc: `Guest code stores \`new\` to the word at \`addr\` if \`old\` is there, in one step. Returns what was there; -1 for a page fault.${FAULTS}`,
    params: [
      ADDR,
      { name: 'old', type: INT, doc: 'What must be there.' },
      { name: 'new', type: INT, doc: 'What is stored then.' },
      CPL,
      BYTES,
    ],
    returns: INT,
    run: (self, [addr, old, v, cpl, bytes]) =>
      instruction(self, access(self, 'compares and exchanges', addr, { old, value: v, cpl, bytes })),
  },
  {
    name: 'copy',
    on,
    doc: `Guest code copies the word at \`from\` to \`to\` by one instruction, such as MOVS: after a fault of one address, both are accessed again. Returns whether it could.${FAULTS}`,
    params: [
      { name: 'from', type: INT, doc: 'Address of the word that is loaded.' },
      { name: 'to', type: INT, doc: 'Address of the word that is stored to.' },
      CPL,
    ],
    returns: BOOL,
    run: (self, [from, to, cpl]) =>
      guest_copy(vcpu(self), access(self, 'loads', from, { cpl }), access(self, 'stores', to, { cpl })),
  },
  {
    name: 'write_pt',
    on,
    doc: `Guest code stores an entry of one of its page tables, of the size that its mode has. Returns whether it could.${FAULTS}`,
    params: [
      { name: 'table', type: INT, doc: 'Virtual address of the table.' },
      { name: 'index', type: INT, doc: 'Number of the entry.' },
      { name: 'gpte', type: INT, doc: 'The entry; `gpte(...)` makes one.' },
    ],
    returns: BOOL,
    run: (self, [table, index, gpte]) => {
      const { bytes } = guest_format(vcpu(self)).type;
      const entries = 4096 / bytes;
      if (typeof index !== 'number' || index < 0 || index >= entries)
        throw new UsageError(`index must be from 0 to ${entries - 1}, not ${String(index)}`);
      return instruction(
        self,
        access(self, 'stores', pages(table, 'table') + index * bytes, { value: gpte, bytes, gpte: true }),
      );
    },
  },
  {
    name: 'run',
    on,
    doc: 'The vCPU goes into guest mode, after it has done what was asked of it, and stays there.',
    params: [],
    returns: NONE,
    run: (self) => vcpu_run(vcpu(self)),
  },
  {
    name: 'pause',
    on,
    doc: 'The vCPU leaves guest mode for userspace, and stays out until it is used again.',
    params: [],
    returns: NONE,
    run: (self) => vcpu_pause(vcpu(self)),
  },
];
