/** Walking shadow tables without `mmu_lock` (specification, section 6). */
import { type Step, WORDS } from '../../machine/index.js';
import type { KvmVcpu } from './structures/vcpu.js';

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
