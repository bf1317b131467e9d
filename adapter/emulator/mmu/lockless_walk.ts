/** Walking shadow tables without `mmu_lock` (specification, section 6). */
import { BUG_ON, machine, type Step, WORDS } from '../../machine/index.js';
import { PT32E_ROOT_LEVEL, spte_to_pfn } from './bits.js';
import type { Spt } from './structures/spt.js';
import { INVALID_PAGE, type KvmVcpu } from './structures/vcpu.js';

/** From here on no shadow page that the walk may meet is freed. Nothing in between may take `mmu_lock`. */
export function* walk_shadow_page_lockless_begin(vcpu: KvmVcpu): Step<void> {
  yield* vcpu.kvm.variant.walk_guard.begin(vcpu);
}

/** The walk has ended: interrupts that were sent meanwhile arrive. */
export function* walk_shadow_page_lockless_end(vcpu: KvmVcpu): Step<void> {
  yield* vcpu.kvm.variant.walk_guard.end(vcpu);
}

/** Index in a table of `level` of the entry for an address. */
export const SHADOW_PT_INDEX = (addr: number, level: number): number =>
  Math.floor(addr / 2 ** (12 + 9 * (level - 1))) % WORDS;

/** The entry of an address in a table that starts at physical address `table`. */
export const shadow_entry = (table: number, addr: number, level: number): number =>
  table / 8 + SHADOW_PT_INDEX(addr, level);

/** Where a walk begins: a table, by its physical address, and its level. */
export interface WalkStart {
  readonly table: number;
  readonly level: number;
}

/** A kernel that walks from an invalid root takes an address that is none for a table. */
function walk_from_nowhere(vcpu: KvmVcpu): void {
  for (const o of vcpu.kvm.observers.noRootUsed) o(vcpu, 'walks its tables');
  BUG_ON(true, 'shadow_walk_init: root_hpa is INVALID_PAGE');
}

/** Where a walk for an address begins. Level 0: there is no table. */
export function shadow_walk_init(vcpu: KvmVcpu, addr: number): WalkStart {
  const { root_hpa, shadow_root_level } = vcpu.arch.mmu;
  if (root_hpa === INVALID_PAGE) walk_from_nowhere(vcpu);
  if (shadow_root_level !== PT32E_ROOT_LEVEL) return { table: root_hpa, level: shadow_root_level };
  const root = machine.phys.$load((vcpu.arch.mmu.pae_root as Spt).at(Math.floor(addr / 2 ** 30) % 4));
  if (root === 0n) return vcpu.kvm.variant.walk_pdptr(vcpu.kvm);
  return { table: spte_to_pfn(root) * 4096, level: PT32E_ROOT_LEVEL - 1 };
}
