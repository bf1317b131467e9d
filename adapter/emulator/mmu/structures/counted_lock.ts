/** A lock whose use is counted. */
import { Lock, machine, Op, type Thread } from '../../../machine/index.js';
import type { EmulatorStat } from './stat.js';

/** Slot of the step at which it was taken; from `WAITS` on, those since which threads have been waiting for who holds it. */
const SINCE = 2;
const WAITS = 3;

/** `mmu_lock`: how often it is taken, and for how long it is held and waited for, is what the fast page fault is about. */
export class CountedLock extends Lock {
  /** Where it is counted; set at boot. */
  stat: EmulatorStat | null = null;
  private since = 0;
  private readonly waits: number[] = [];

  override take(t: Thread): void {
    super.take(t);
    if (this.stat === null) return;
    this.stat.mmu_lock_acquired++;
    this.$store(SINCE, machine.steps);
    for (const w of machine.threads) if (w !== t && w.obj === this && w.op === Op.acquire) this.met(w);
  }
  override met(t: Thread): void {
    this.waitsSince(t, machine.steps);
  }
  override give(t: Thread): void {
    if (this.stat !== null) {
      this.stat.mmu_lock_hold_steps += machine.steps - (this.$load(SINCE) as number);
      for (const w of machine.threads) if (w.obj === this && w.op === Op.acquire) this.waited(w, this.stat);
    }
    super.give(t);
  }
  private waited(t: Thread, stat: EmulatorStat): void {
    const since = this.waits[t.index] ?? 0;
    if (since === 0) return;
    stat.mmu_lock_wait_steps += machine.steps - since;
    this.waitsSince(t, 0);
  }
  /** Notes when a thread began to wait; that is no access of the kernel's. */
  private waitsSince(t: Thread, step: number): void {
    if (machine.journal !== null) machine.journal.push(this, WAITS + t.index, this.waits[t.index] ?? 0);
    this.waits[t.index] = step;
  }
  override $get(slot = 0): unknown {
    if (slot >= WAITS) return this.waits[slot - WAITS] ?? 0;
    return slot === SINCE ? this.since : super.$get(slot);
  }
  override $set(slot: number, value: unknown): void {
    if (slot >= WAITS) this.waits[slot - WAITS] = value as number;
    else if (slot === SINCE) this.since = value as number;
    else super.$set(slot, value);
  }
  override $slotName(slot = 0): string {
    if (slot >= WAITS) return `waits[${slot - WAITS}]`;
    return slot === SINCE ? 'since' : super.$slotName();
  }
}
