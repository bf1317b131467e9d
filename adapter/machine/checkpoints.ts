/**
 * Checkpoints: what the journal forgets is kept here, merged. Between two checkpoints only the first value of each place matters,
 * since going back here means going back to a checkpoint; from there the run goes forwards again by its recorded choices. A
 * checkpoint is a step before which no thread is inside an operation, so that no stack has to be rebuilt. The first is the start
 * of the run.
 *
 * There are only so many: when one too many is made, two neighbours are merged, the older ones first, so that they are
 * the farther apart the longer ago they are.
 */
import { ALLOCATED, type KObject } from './object.js';

/** Checkpoints that are kept. */
const MOST = 12;

/** What was before the steps from one checkpoint to the next. */
interface Layer {
  readonly step: number;
  /** Steps and allocations of each thread by then. */
  readonly steps: readonly number[];
  readonly allocations: readonly number[];
  /** The first value of each place that was written after it. */
  readonly cells: Map<KObject, Map<number, unknown>>;
  /** Objects that did not exist yet: what was written to them does not matter. */
  readonly young: Set<KObject>;
  /** Changes that only make sense in their order, such as of lists. */
  readonly ordered: Change[];
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
  private readonly steps: number[] = [];
  private readonly allocations: number[] = [];
  private thread = 0;

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
    if (obj.$ordered(slot)) {
      layer.ordered.push({ obj, slot, old });
      return;
    }
    let cells = layer.cells.get(obj);
    if (cells === undefined) {
      cells = new Map();
      layer.cells.set(obj, cells);
    }
    if (!cells.has(slot)) cells.set(slot, old);
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
      for (const [obj, cells] of layer.cells) for (const [slot, old] of cells) obj.$swap(slot, old);
      for (const { obj, slot, old } of layer.ordered.reverse()) obj.$swap(slot, old);
      if (layer.step === checkpoint.step) break;
    }
    this.copy(checkpoint.steps, this.steps);
    this.copy(checkpoint.allocations, this.allocations);
  }

  private copy(from: readonly number[], to: number[]): void {
    to.length = 0;
    to.push(...from);
  }

  private begin(step: number): void {
    if (this.layers.length === MOST) this.thin();
    this.layers.push({
      step,
      steps: this.steps.map((n) => n ?? 0),
      allocations: this.allocations.map((n) => n ?? 0),
      cells: new Map(),
      young: new Set(),
      ordered: [],
    });
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

/** Puts what is before `later` into the layer before it. */
function merge(into: Layer, later: Layer): void {
  for (const [obj, cells] of later.cells) {
    if (into.young.has(obj)) continue;
    const known = into.cells.get(obj);
    if (known === undefined) into.cells.set(obj, cells);
    else for (const [slot, old] of cells) if (!known.has(slot)) known.set(slot, old);
  }
  for (const obj of later.young) into.young.add(obj);
  into.ordered.push(...later.ordered.filter((c) => !into.young.has(c.obj)));
}
