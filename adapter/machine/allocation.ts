/** The events of kernel memory: objects that are allocated and freed. */
import { type EventField, event } from './event.js';
import { ANY, STRING } from './field.js';
import { numberOf } from './names.js';
import type { KObject } from './object.js';

const type: EventField = {
  name: 'type',
  type: STRING,
  doc: "The kernel's name of its type: `kvm_mmu_page`.",
};
const name: EventField = {
  name: 'name',
  type: STRING,
  doc: 'Its type and number: `pte_list_desc#6.3` is the third object that thread 6 has allocated.',
};

export const MEMORY_ALLOCATED = event(
  'memory.allocated',
  'Object allocated',
  'Memory',
  'Kernel code has allocated an object.',
  [type, name, { name: 'object', type: ANY, doc: 'The object.' }],
  { format: (v) => `${v[1]} allocated` },
);
export const MEMORY_FREED = event(
  'memory.freed',
  'Object freed',
  'Memory',
  'Kernel code has freed an object: any later touch of it is a use after free.',
  [type, name],
  { format: (v) => `${v[1]} freed` },
);

/** The values of `type` and `name`. */
export const called = (obj: KObject): readonly [type: string, name: string] => [
  obj.$name,
  `${obj.$name}#${numberOf(obj.$id)}`,
];
