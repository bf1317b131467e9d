/** Memory as the hardware reaches it: a frame that the host has freed is no error here, just the wrong memory. */
import { machine } from '../../../machine/index.js';

/** Reads a word. */
export function load_word(pa: number): bigint {
  if (machine.watcher !== null) machine.watcher.touched(machine.phys, pa, false);
  return machine.phys.$get(pa);
}

/** Writes a word of a page: one that holds data, and no table. */
export function store_word(pa: number, value: bigint): void {
  const { phys, journal } = machine;
  if (phys.frameOf(pa) === undefined) return;
  if (machine.watcher !== null) machine.watcher.touched(phys, pa, true);
  if (journal !== null) journal.push(phys, pa, phys.$get(pa));
  phys.$set(pa, value);
}

/** Writes an entry of a table. */
export function store_entry(pa: number, value: bigint): void {
  const { phys } = machine;
  const old = phys.$get(pa);
  store_word(pa, value);
  const frame = phys.frameOf(pa);
  if (phys.hook !== null && frame !== undefined) phys.hook(pa, frame, old, value);
}
