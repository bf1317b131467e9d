/** The accesses of the last step to places that somebody watches: writes from the journal, reads by listening. */
import type { Journal, KObject, Machine, Watcher } from '../../machine/index.js';
import type { Access, Fits, Watch } from './watch.js';

/** The places that some watches want to know of. The objects are looked up first: most writes are to none of them. */
export function placesOf(watches: readonly Watch[]): Fits {
  const objects = new Set(watches.flatMap((w) => [...w.objects]));
  const ids = new Set(watches.flatMap((w) => w.id ?? []));
  const fits = watches.map((w) => w.concern());
  const [only] = fits;
  const some: Fits =
    fits.length === 1 && only !== undefined ? only : (obj, slot) => fits.some((f) => f(obj, slot));
  if (ids.size === 0) return (obj, slot) => objects.has(obj) && some(obj, slot);
  return (obj, slot) => (objects.has(obj) || (obj.$id !== 0 && ids.has(obj.$id))) && some(obj, slot);
}

/** The writes of the steps from `step` on that fit, in order, without those that a person has made. */
export function writesSince(journal: Journal, step: number, fits: Fits): readonly Access[] {
  const found = journal.writesWith(step, fits);
  if (found.length === 0) return NONE;
  const all = found.filter((w) => !w.byHand);
  return all.map(({ obj, slot, old }, i) => {
    const next = all.find((w, k) => k > i && w.obj === obj && w.slot === slot);
    return { write: true, obj, slot, old, now: next === undefined ? obj.$get(slot) : next.old };
  });
}

const NONE: readonly Access[] = [];

/** Hears of the reads of steps, while it is the machine's watcher. */
export class ReadWatcher implements Watcher {
  private inStep = false;
  private reads: Access[] = [];
  fits: Fits = () => false;

  began(): void {
    this.inStep = true;
  }
  ended(): void {
    this.inStep = false;
  }

  touched(obj: KObject, slot: number, write: boolean): void {
    if (!this.inStep || write || !this.fits(obj, slot)) return;
    const value = obj.$get(slot);
    this.reads.push({ write: false, obj, slot, old: value, now: value });
  }

  /** The reads since it was last asked. */
  taken(): readonly Access[] {
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
