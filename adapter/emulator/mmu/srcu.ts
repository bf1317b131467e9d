/** Sleepable RCU: readers that may be preempted, and writers that wait until every reader of the old state has gone. */
import { KObject, type Step, wait_until, xchg } from '../../machine/index.js';

/** Slot of the epoch; those of the two reader counters follow it. */
const IDX = 2;

/**
 * `struct srcu_struct`. Readers are counted by the epoch in which they began. Calls of `synchronize_srcu` must be serialised by
 * their callers, as those of KVM are by `slots_lock`.
 */
export class Srcu extends KObject {
  [slot: number]: number;
  private readonly v = [0, 0, 0];

  /** @param name as in `waits for readers of NAME` */
  constructor(readonly name: string) {
    super();
  }
  get $name() {
    return 'srcu_struct';
  }
  /** Readers now, of both epochs. */
  get readers(): number {
    return (this.v[0] as number) + (this.v[1] as number);
  }
  /** Readers of one epoch. */
  readersOf(epoch: number): number {
    return this.$get(epoch) as number;
  }
  $get(slot: number): unknown {
    return this.v[slot];
  }
  $set(slot: number, value: unknown): void {
    this.v[slot] = value as number;
  }
  $slotName(slot: number) {
    return slot === IDX ? 'completed' : `c[${slot}]`;
  }
}

/** Begins a read section; takes no step of its own. Returns what `srcu_read_unlock` wants. */
export function srcu_read_lock(s: Srcu): number {
  const idx = s.$load(IDX) as number;
  s.$store(idx, (s.$load(idx) as number) + 1);
  return idx;
}

/** Ends a read section. */
export function srcu_read_unlock(s: Srcu, idx: number): void {
  s.$store(idx, (s.$load(idx) as number) - 1);
}

/** Waits until every reader that began before has ended. */
export function* synchronize_srcu(s: Srcu): Step<void> {
  const old = s.$get(IDX) as number;
  yield* xchg(s, IDX, 1 - old);
  yield* wait_until(`readers of ${s.name}`, () => s.readersOf(old) === 0, s, old);
}
