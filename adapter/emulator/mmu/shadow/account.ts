/** Counting shadow pages of guest tables: what they lie in cannot be mapped large (specification, section 9.2). `mmu_lock` is held. */
import { type Step, WRITE_ONCE } from '../../../machine/index.js';
import { PT_DIRECTORY_LEVEL, PT_PDPE_LEVEL } from '../bits.js';
import { gfn_to_memslot_unsafe } from '../memslot.js';
import { lpage_info_slot } from '../rmap.js';
import type { Kvm } from '../structures/kvm.js';

/** Changes how often the large frames that hold a table are counted as not to be mapped large. */
export function* account_write_count(kvm: Kvm, gfn: number, by: number): Step<void> {
  const slot = gfn_to_memslot_unsafe(kvm, gfn);
  if (slot !== null)
    for (let level = PT_DIRECTORY_LEVEL; level <= PT_PDPE_LEVEL; level++) {
      const info = lpage_info_slot(gfn, slot, level);
      yield* WRITE_ONCE(info, 'write_count', info.write_count + by);
    }
}

function* account(kvm: Kvm, gfn: number, by: number): Step<void> {
  yield* account_write_count(kvm, gfn, by);
  yield* WRITE_ONCE(kvm.arch, 'indirect_shadow_pages', kvm.arch.indirect_shadow_pages + by);
}

/** A guest table at `gfn` is shadowed from now on. */
export function* account_shadowed(kvm: Kvm, gfn: number): Step<void> {
  yield* account(kvm, gfn, 1);
}

/** One of its shadow pages is going. */
export function* unaccount_shadowed(kvm: Kvm, gfn: number): Step<void> {
  yield* account(kvm, gfn, -1);
}
