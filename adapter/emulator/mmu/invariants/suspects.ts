/**
 * What a rule has to look at: things that were touched since it last held for them. A suspect with an excuse is put aside under
 * that excuse, and is looked at again when the excuse ends; so a check costs what has changed, however large the guest is.
 */
import { Ledger } from './ledger.js';

/** An excuse: its kind and whose it is. 0 is none. */
export type Excuse = number;
const KINDS = 2 ** 20;
/** A flush of this vCPU is pending or in progress. */
export const flushOf = (vcpu: number): Excuse => KINDS + vcpu;
/** This vCPU is in the fast path, between its exchange and its mark. */
export const fastPathOf = (vcpu: number): Excuse => 2 * KINDS + vcpu;

/** This vCPU's store was emulated, and the shadow pages have not been told yet. */
export const emulationOf = (vcpu: number): Excuse => 3 * KINDS + vcpu;

const NONE: Excuse = 0;

/** Which states a set of suspects is looked at in: how many of them there are. */
export interface Tally {
  pending: number;
}

/** Numbers that are under suspicion, each with its excuse. */
export class Suspects extends Ledger<Excuse> {
  private readonly open = new Set<number>();
  private readonly aside = new Map<Excuse, Set<number>>();

  /** @param tally counts the suspects that are to be looked at */
  constructor(private readonly tally: Tally) {
    super();
  }

  /** Puts under suspicion. */
  add(key: number): void {
    this.put(key, NONE);
  }
  /** Puts aside until `excuse` ends. */
  excuse(key: number, excuse: Excuse): void {
    this.put(key, excuse);
  }
  /** The rule holds. */
  clear(key: number): void {
    this.put(key, undefined);
  }
  /** An excuse has ended. */
  wake(excuse: Excuse): void {
    const set = this.aside.get(excuse);
    if (set !== undefined) for (const key of [...set]) this.add(key);
  }
  /** Those to be looked at; looking may clear or excuse the one that is looked at. */
  toLookAt(): Iterable<number> {
    return this.open;
  }
  get idle(): boolean {
    return this.open.size === 0;
  }

  override $set(key: number, value: unknown): void {
    const old = this.get(key);
    if (old === NONE) {
      this.open.delete(key);
      this.tally.pending--;
    } else if (old !== undefined) this.leave(old, key);
    super.$set(key, value);
    if (value === undefined) return;
    if (value === NONE) {
      this.open.add(key);
      this.tally.pending++;
    } else this.join(value as Excuse, key);
  }

  private join(excuse: Excuse, key: number): void {
    const set = this.aside.get(excuse);
    if (set === undefined) this.aside.set(excuse, new Set([key]));
    else set.add(key);
  }
  private leave(excuse: Excuse, key: number): void {
    const set = this.aside.get(excuse);
    if (set === undefined) return;
    set.delete(key);
    if (set.size === 0) this.aside.delete(excuse);
  }
}
