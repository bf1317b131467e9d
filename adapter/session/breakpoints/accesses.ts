/** The accesses of the last step to the objects that somebody watches: writes from the journal, reads by listening. */
import type { Journal, KObject, Machine, Watcher } from '../../machine/index.js';
import type { Access } from './watch.js';

/** Who wants to know. */
export interface Interest {
  /** Objects, and numbers of allocated objects, of which accesses are collected. */
  readonly objects: ReadonlySet<KObject>;
  readonly ids: ReadonlySet<number>;
}

const wanted = ({ objects, ids }: Interest, obj: KObject) =>
  objects.has(obj) || (obj.$id !== 0 && ids.size > 0 && ids.has(obj.$id));

/** The writes of the steps from `step` on that are of interest, in order. */
export function writesSince(journal: Journal, step: number, interest: Interest): Access[] {
  let found: { obj: KObject; slot: number; old: unknown }[] | null = null;
  for (const { obj, slot, old, byHand } of journal.writesFrom(step)) {
    if (byHand || !wanted(interest, obj)) continue;
    found ??= [];
    found.push({ obj, slot, old });
  }
  if (found === null) return NONE;
  const all = found;
  return all.map(({ obj, slot, old }, i) => {
    const next = all.find((w, k) => k > i && w.obj === obj && w.slot === slot);
    return { write: true, obj, slot, old, now: next === undefined ? obj.$get(slot) : next.old };
  });
}

const NONE: Access[] = [];

/** Hears of the reads of steps, while it is the machine's watcher. */
export class ReadWatcher implements Watcher {
  private inStep = false;
  private reads: Access[] = [];
  interest: Interest = { objects: new Set(), ids: new Set() };

  began(): void {
    this.inStep = true;
  }
  ended(): void {
    this.inStep = false;
  }

  touched(obj: KObject, slot: number, write: boolean): void {
    if (!this.inStep || write || !wanted(this.interest, obj)) return;
    const value = obj.$get(slot);
    this.reads.push({ write: false, obj, slot, old: value, now: value });
  }

  /** The reads since it was last asked. */
  taken(): Access[] {
    return this.reads.length === 0 ? NONE : this.reads.splice(0);
  }

  /** Listens to a machine, or to none. */
  listen(machine: Machine, on: boolean): void {
    this.reads.length = 0;
    this.inStep = false;
    if (on) machine.watcher = this;
    else if (machine.watcher === this) machine.watcher = null;
  }
}
