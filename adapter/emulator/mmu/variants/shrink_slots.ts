/** What keeps memory slots in place while the shrinker takes pages apart (specification, section 12, F-06). */
import { down_read, event_step, READ_ONCE, RwSemaphore, type Step, up_read } from '../../../machine/index.js';
import { srcu_read_lock, srcu_read_unlock } from '../srcu.js';
import type { Kvm } from '../structures/kvm.js';
import { kvm_memslots } from '../structures/memslot.js';
import type { SwitchTable } from '../variant.js';

/** Around the zapping of a page; `mmu_lock` is taken inside. */
export interface ShrinkSlots {
  /** Whether the shrinker leaves a virtual machine alone because its slots are just being changed. */
  busy(kvm: Kvm): boolean;
  /** Returns what `end` wants; -1 when this virtual machine has to be left alone. */
  begin(kvm: Kvm): Step<number>;
  end(kvm: Kvm, idx: number): Step<void>;
  /**
   * How `rmap_remove` finds the slots, where that is to be seen as the two accesses that it is; null where the slots that are
   * found cannot go.
   */
  readonly lookup: ((kvm: Kvm) => Step<void>) | null;
}

const never = (): boolean => false;

const srcu: ShrinkSlots = {
  busy: never,
  *begin(kvm: Kvm): Step<number> {
    return srcu_read_lock(kvm.srcu);
  },
  *end(kvm: Kvm, idx: number): Step<void> {
    srcu_read_unlock(kvm.srcu, idx);
  },
  lookup: null,
};

const trylock: ShrinkSlots = {
  busy: ({ slots_lock }) =>
    slots_lock instanceof RwSemaphore && (slots_lock.owner !== null || slots_lock.queued !== undefined),
  *begin(kvm: Kvm): Step<number> {
    const { slots_lock } = kvm;
    if (!(slots_lock instanceof RwSemaphore)) return yield* srcu.begin(kvm);
    if (trylock.busy(kvm)) return -1;
    yield* down_read(slots_lock);
    return 0;
  },
  *end(kvm: Kvm, idx: number): Step<void> {
    const { slots_lock } = kvm;
    if (slots_lock instanceof RwSemaphore) yield* up_read(slots_lock);
    else yield* srcu.end(kvm, idx);
  },
  lookup: null,
};

const MEMSLOTS = kvm_memslots.slot('memslots');

/** Finds the array of slots, and goes through it. */
function* gfn_to_memslot(kvm: Kvm): Step<void> {
  const slots = yield* READ_ONCE(kvm, 'memslots');
  yield* event_step('looks for the slot of a frame', slots, MEMSLOTS);
  slots.memslots.items();
}

const unlocked: ShrinkSlots = {
  busy: never,
  *begin(): Step<number> {
    return 0;
  },
  *end(): Step<void> {},
  lookup: gfn_to_memslot,
};

export const shrink_slots: SwitchTable<ShrinkSlots> = {
  doc: 'What keeps memory slots in place while the shrinker takes a page apart: a read section of `kvm.srcu`, `slots_lock` (2008; a virtual machine whose slots are being changed is left alone), or nothing.',
  values: { srcu, trylock, unlocked },
};
