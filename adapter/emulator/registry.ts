/** The subsystems that scenarios can `use`. A new one is one more line here. */
import { mmu } from './mmu/index.js';
import type { Subsystem } from './subsystem.js';

export const subsystems: readonly Subsystem[] = [mmu];
