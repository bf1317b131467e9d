/**
 * Checkpoints: what the journal forgets is kept here, merged. Between two checkpoints only the first value of each place matters,
 * since going back here means going back to a checkpoint; from there the run goes forwards again by its recorded choices. A
 * checkpoint is a step before which no thread is inside an operation, so that no stack has to be rebuilt. The first is the start
 * of the run.
 *
 * There are only so many: when one too many is made, two neighbours are merged, the older ones first, so that they are
 * the farther apart the longer ago they are.
 */
import { CellSet } from './cell_set.js';
import { ALLOCATED, type KObject } from './object.js';

/** Checkpoints that are kept. */
const MOST = 12;
/** Values that are kept before doubles are looked for: to do that at every merge would be most of the work. */
const DOUBLES = 1 << 20;

/** What was before the steps from one checkpoint to the next. */
interface Layer {
  readonly step: number;
  /** Steps and allocations of each thread by then. */
  readonly steps: readonly number[];
  readonly allocations: readonly number[];
  /** What was in each place that was written after it; where a place is there twice, the first counts. */
  cells: Cells;
  /** Objects that did not exist yet: what was written to them does not matter. */
  readonly young: Set<KObject>;
  /** Changes that only make sense in their order, such as of lists. */
  readonly ordered: Change[];
}

/** Values of places: three lists, since there are millions of them in a large guest. */
interface Cells {
  readonly objs: KObject[];
  readonly slots: number[];
  readonly olds: unknown[];
}

interface Change {
  readonly obj: KObject;
  readonly slot: number;
  readonly old: unknown;
}

/** A point to go back to. */
export interface Checkpoint {
  readonly step: number;
  /** By the number of the thread; absent for one that had done nothing. */
  readonly steps: readonly number[];
  readonly allocations: readonly number[];
}

export class Checkpoints {
  private readonly layers: Layer[] = [];
  /** The places that the last layer knows. */
  private known = new CellSet();
  private readonly steps: number[] = [];
  private readonly allocations: number[] = [];
  private thread = 0;
  /** Values in all layers, and how many there may be before doubles are thrown out. */
  private values = 0;
  private most = DOUBLES;

  /** @param interval steps between two checkpoints, at the least */
  constructor(private readonly interval: number) {}

  /** The journal forgets a step; its writes follow. `quiet`: no thread was inside an operation before it. */
  step(step: number, thread: number, quiet: boolean): void {
    const last = this.layers.at(-1);
    if (last === undefined || (quiet && step - last.step >= this.interval)) this.begin(step);
    this.thread = thread;
    this.steps[thread] = (this.steps[thread] ?? 0) + 1;
  }

  /** The journal forgets a write of the step. */
  write(obj: KObject, slot: number, old: unknown): void {
    const layer = this.layers.at(-1) as Layer;
    if (slot === ALLOCATED) {
      layer.young.add(obj);
      this.allocations[this.thread] = (this.allocations[this.thread] ?? 0) + 1;
      return;
    }
    if (layer.young.has(obj)) return;
    if (obj.$ordered(slot)) layer.ordered.push({ obj, slot, old });
    else if (this.known.add(obj, slot)) {
      keep(layer.cells, obj, slot, old);
      this.values++;
    }
  }

  /** The last checkpoint at or before a step; undefined when there is none. */
  before(step: number): Checkpoint | undefined {
    return this.layers.findLast((l) => l.step <= step);
  }

  /** Takes memory back to a checkpoint, from where the journal begins. What was kept of the time after it is forgotten. */
  restore(checkpoint: Checkpoint): void {
    for (;;) {
      const layer = this.layers.pop();
      if (layer === undefined) break;
      const { objs, slots, olds } = layer.cells;
      this.values -= objs.length;
      for (let k = objs.length - 1; k >= 0; k--) (objs[k] as KObject).$swap(slots[k] as number, olds[k]);
      for (const { obj, slot, old } of layer.ordered.reverse()) obj.$swap(slot, old);
      if (layer.step === checkpoint.step) break;
    }
    this.known = new CellSet();
    const last = this.layers.at(-1);
    if (last !== undefined) addAll(this.known, last.cells);
    this.copy(checkpoint.steps, this.steps);
    this.copy(checkpoint.allocations, this.allocations);
  }

  private copy(from: readonly number[], to: number[]): void {
    to.length = 0;
    to.push(...from);
  }

  private begin(step: number): void {
    if (this.layers.length === MOST) this.thin();
    if (this.values > this.most) this.throwDoublesOut();
    this.known = new CellSet();
    this.layers.push({
      step,
      steps: this.steps.map((n) => n ?? 0),
      allocations: this.allocations.map((n) => n ?? 0),
      cells: noCells(),
      young: new Set(),
      ordered: [],
    });
  }

  private throwDoublesOut(): void {
    this.values = 0;
    for (const layer of this.layers) {
      layer.cells = single(layer.cells, layer.young);
      this.values += layer.cells.objs.length;
    }
    this.most = Math.ceil(1.5 * this.values) + DOUBLES;
  }

  /** Merges the two neighbours that are closest together for their age. */
  private thin(): void {
    const end = (this.layers.at(-1) as Layer).step + 1;
    let best = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let k = 1; k < this.layers.length; k++) {
      const [a, b] = [this.layers[k - 1] as Layer, this.layers[k] as Layer];
      const share = (b.step - a.step) / (end - a.step);
      if (share < least) [best, least] = [k, share];
    }
    merge(this.layers[best - 1] as Layer, this.layers[best] as Layer);
    this.layers.splice(best, 1);
  }
}

const noCells = (): Cells => ({ objs: [], slots: [], olds: [] });

function keep(cells: Cells, obj: KObject, slot: number, old: unknown): void {
  cells.objs.push(obj);
  cells.slots.push(slot);
  cells.olds.push(old);
}

function addAll(set: CellSet, { objs, slots }: Cells): void {
  for (let k = 0; k < objs.length; k++) set.add(objs[k] as KObject, slots[k] as number);
}

/** Puts what is before `later` into the layer before it. */
function merge(into: Layer, later: Layer): void {
  const { objs, slots, olds } = later.cells;
  for (let k = 0; k < objs.length; k++) keep(into.cells, objs[k] as KObject, slots[k] as number, olds[k]);
  into.ordered.push(...later.ordered.filter((c) => !into.young.has(c.obj)));
  for (const obj of later.young) into.young.add(obj);
}

/** The first value of each place, without those of objects that did not exist yet. */
function single({ objs, slots, olds }: Cells, young: ReadonlySet<KObject>): Cells {
  const kept = noCells();
  const known = new CellSet();
  for (let k = 0; k < objs.length; k++) {
    const [obj, slot] = [objs[k] as KObject, slots[k] as number];
    if (!young.has(obj) && known.add(obj, slot)) keep(kept, obj, slot, olds[k]);
  }
  return kept;
}
