/** Which threads are inside an operation. */
import { journal, type Thread } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import { Notes } from './ledger.js';

/** Slot 0 counts the operations under way; the others, by thread, how many it has begun. */
const INSIDE = 0;
const serialOf = (t: Thread): number => t.index + 1;

/** Kept in an array, because every operation comes through here. */
export class Operations extends Notes {
  private readonly v: number[] = [0];

  constructor(kvm: Kvm) {
    super();
    kvm.observers.operationBegun.push((t) => {
      this.add(INSIDE, 1);
      this.add(serialOf(t), 1);
    });
    kvm.observers.operationEnded.push(() => this.add(INSIDE, -1));
  }

  /** Operations under way now. */
  get inside(): number {
    return this.v[INSIDE] as number;
  }
  /** Number of the last operation that a thread has begun; from 1. */
  serial(t: Thread): number {
    return this.v[serialOf(t)] ?? 0;
  }

  private add(slot: number, by: number): void {
    const old = this.v[slot] ?? 0;
    if (journal !== null) journal.push(this, slot, old);
    this.v[slot] = old + by;
  }
  $get(slot: number): unknown {
    return this.v[slot];
  }
  $set(slot: number, value: unknown): void {
    this.v[slot] = value as number;
  }
}
