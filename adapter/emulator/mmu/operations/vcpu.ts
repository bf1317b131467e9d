/** Operations of a vCPU: what guest code does. */
import { INT, type KObject, NONE } from '../../../machine/index.js';
import type { Operation, Param } from '../../subsystem.js';
import { guest_instruction, vcpu_pause, vcpu_run } from '../guest.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { value, word } from './arguments.js';

const vcpu = (self: KObject): KvmVcpu => self as unknown as KvmVcpu;
const ADDR: Param = { name: 'addr', type: INT, doc: 'Guest physical address of a word of 8 bytes.' };
const CPL: Param = {
  name: 'cpl',
  type: INT,
  doc: 'Privilege level of the guest code; second-level tables do not look at it.',
  default: 0,
};
const on = 'kvm_vcpu';

export const vcpuOperations: readonly Operation[] = [
  {
    name: 'read',
    on,
    doc: 'Guest code loads the word at `addr`. Returns it; an address that no memory slot has reads as 0.',
    params: [ADDR, CPL],
    returns: INT,
    run: (self, [addr]) => guest_instruction(vcpu(self), 'loads', word(addr, 'addr')),
  },
  {
    name: 'write',
    on,
    doc: 'Guest code stores `value` to the word at `addr`.',
    params: [ADDR, { name: 'value', type: INT, doc: 'What is stored: 64 bits.' }, CPL],
    returns: NONE,
    run: (self, [addr, v]) => guest_instruction(vcpu(self), 'stores', word(addr, 'addr'), value(v, 'value')),
  },
  {
    name: 'exec',
    on,
    doc: 'Guest code fetches an instruction from `addr`.',
    params: [ADDR, CPL],
    returns: NONE,
    run: (self, [addr]) => guest_instruction(vcpu(self), 'fetches', word(addr, 'addr')),
  },
  {
    name: 'cmpxchg',
    on,
    doc: 'Guest code stores `new` to the word at `addr` if `old` is there, in one step. Returns what was there.',
    params: [
      ADDR,
      { name: 'old', type: INT, doc: 'What must be there.' },
      { name: 'new', type: INT, doc: 'What is stored then.' },
      CPL,
    ],
    returns: INT,
    run: (self, [addr, old, v]) =>
      guest_instruction(
        vcpu(self),
        'compares and exchanges',
        word(addr, 'addr'),
        value(v, 'new'),
        value(old, 'old'),
      ),
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
