/** The subsystems that scenarios can `use`. A new one is one more line here. */
import { mmu } from './mmu/index.js';
import type { Subsystem } from './subsystem.js';

export const subsystems: readonly Subsystem[] = [mmu];

/** The subsystem of that name, if there is one. */
export function subsystemOf(name: string): Subsystem | undefined {
  return subsystems.find((s) => s.name === name);
}
