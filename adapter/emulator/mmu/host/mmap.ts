/** Areas of the process behind guest memory. */
import { machine } from '../../../machine/index.js';
import { type MmStruct, vm_area_struct } from '../structures/host.js';

/** A range of host virtual memory and what it is made of. */
export interface Region {
  readonly vm_start: number;
  readonly vm_end: number;
  readonly huge: boolean;
  readonly hugetlb: boolean;
  readonly cow: boolean;
}

/** Maps a range, except what is mapped already: two slots may lie on the same memory. Takes no step. */
export function mmap_region(mm: MmStruct, r: Region): void {
  let start = r.vm_start;
  const taken = [...mm.mmap.items()]
    .filter((v) => v.vm_start < r.vm_end && v.vm_end > r.vm_start)
    .sort((a, b) => a.vm_start - b.vm_start);
  for (const v of taken) {
    if (v.vm_start > start) add(mm, { ...r, vm_start: start, vm_end: v.vm_start });
    start = Math.max(start, v.vm_end);
  }
  if (start < r.vm_end) add(mm, { ...r, vm_start: start });
}

function add(mm: MmStruct, r: Region): void {
  mm.mmap.add_tail(machine.alloc(new vm_area_struct({ ...r })));
}
