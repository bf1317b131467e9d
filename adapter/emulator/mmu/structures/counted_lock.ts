/** A lock whose use is counted. */
import { Lock, machine, type Thread } from '../../../machine/index.js';
import type { EmulatorStat } from './stat.js';

/** Slot of the step at which it was taken. */
const SINCE = 2;

/** `mmu_lock`: how often it is taken, and for how long it is held, is what the fast page fault is about. */
export class CountedLock extends Lock {
  /** Where it is counted; set at boot. */
  stat: EmulatorStat | null = null;
  private since = 0;

  override take(t: Thread): void {
    super.take(t);
    if (this.stat === null) return;
    this.stat.mmu_lock_acquired++;
    this.$store(SINCE, machine.steps);
  }
  override give(t: Thread): void {
    if (this.stat !== null) this.stat.mmu_lock_hold_steps += machine.steps - (this.$load(SINCE) as number);
    super.give(t);
  }
  override $get(slot = 0): unknown {
    return slot === SINCE ? this.since : super.$get(slot);
  }
  override $set(slot: number, value: unknown): void {
    if (slot === SINCE) this.since = value as number;
    else super.$set(slot, value);
  }
  override $slotName(slot = 0): string {
    return slot === SINCE ? 'since' : super.$slotName();
  }
}
