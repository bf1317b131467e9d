/** Frames of the host: taken, copied, given back. */
import { machine, WORDS } from '../../../machine/index.js';
import { type MmStruct, type Page, page } from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';

/** Pages of 4 KiB in a huge one. */
export const HPAGE_PMD_NR = 512;

/** Takes a page of zeroes. @param order 0, or 9 for a huge page */
export function alloc_page(mm: MmStruct, vpn: number, order: number): Page {
  const p = machine.alloc(new page({ order, hva: vpn * 4096 }));
  const frame = order === 0 ? machine.phys.alloc(p) : machine.phys.allocRun(p, 2 ** order);
  p.pfn = frame.pfn;
  mm.mem_map.put(p.pfn, p);
  return p;
}

/** Takes a page with the contents of a frame. */
export function copy_page(mm: MmStruct, vpn: number, from: number): Page {
  const p = alloc_page(mm, vpn, 0);
  copy_frame(p.pfn, from);
  return p;
}

/** Copies the words of a frame that are not zero. */
export function copy_frame(to: number, from: number): void {
  for (let i = 0; i < WORDS; i++) {
    const word = machine.phys.$get(from * WORDS + i);
    if (word !== 0n) machine.phys.$store(to * WORDS + i, word);
  }
}

/** Gives the frame of a page back to the host. */
export function free_page(kvm: Kvm, p: Page): void {
  p.refcount--;
  if (p.refcount > 0) return;
  p.freed = true;
  kvm.mm.mem_map.put(p.pfn, undefined);
  for (let i = 0; i < 2 ** p.order; i++) {
    machine.phys.free(p.pfn + i);
    for (const o of kvm.observers.frameFreed) o(p.pfn + i);
  }
}
