/**
 * The undo journal: every write to kernel memory with what was there before, and where each step begins (exploration 3).
 * It is a window: what is older than its capacity is forgotten, a chunk at a time.
 */
import { type Checkpoint, Checkpoints } from './checkpoints.js';
import { type Frame, PhysicalMemory } from './memory.js';
import { ALLOCATED, type KObject } from './object.js';

/** One journaled write. */
export interface Write {
  readonly step: number;
  readonly thread: number;
  readonly site: number;
  readonly obj: KObject;
  readonly slot: number;
  readonly old: unknown;
  /** A person set it, after the step: the thread had nothing to do with it. */
  readonly byHand: boolean;
}

/** Entries of a chunk. */
const CHUNK = 1 << 14;

const NO_WRITES: readonly Write[] = [];

/** Writes, `CHUNK` of them. */
class Writes {
  readonly objs: KObject[] = new Array(CHUNK);
  readonly slots = new Float64Array(CHUNK);
  readonly olds: unknown[] = new Array(CHUNK);
}

/** Steps, `CHUNK` of them: number of the first write, thread, the site from which it was taken, and how deep that was. */
class Steps {
  readonly starts = new Float64Array(CHUNK);
  readonly threads = new Uint16Array(CHUNK);
  readonly sites = new Int32Array(CHUNK);
  readonly depths = new Uint8Array(CHUNK);
  /** Frames of the scenario, and in the highest bit whether any thread was inside an operation. */
  readonly levels = new Uint8Array(CHUNK);
  readonly entered = new Uint8Array(CHUNK);
}

const BUSY = 0x80;

/** What the journal knows of a step besides its writes. */
export interface StepInfo {
  /** Number of the thread that took it. */
  readonly thread: number;
  /** Where the thread stood before it: a place in a kernel function, or a statement of a scenario. */
  readonly site: number;
  /** Model functions on its stack there. */
  readonly depth: number;
  /** Frames of the scenario's own code below them. */
  readonly level: number;
}

/** What a thread has done since a step. */
export interface Done {
  /** The first of its steps. */
  readonly first: number;
  steps: number;
  allocations: number;
}

export class Journal {
  /** Chunk `k` holds entries from `k * CHUNK` on; chunks that were forgotten are not there any more. */
  private readonly writeChunks: Writes[] = [];
  private readonly stepChunks: Steps[] = [];
  /** The writes that a person made: from which to which, in order. */
  private readonly hands: (readonly [from: number, to: number])[] = [];
  /** The chunks that are being filled. */
  private writing: Writes | null = null;
  private stepping: Steps | null = null;
  /** Writes and steps so far, forgotten ones included. */
  private writes = 0;
  private taken = 0;
  /** Writes while the state is taken back by `walkBack`. */
  private end = 0;
  /** The first write and the first step that are still known. */
  private firstWrite = 0;
  private first = 0;

  /** Writes before this one belong to no step, and are neither told of nor undone. */
  private origin = 0;

  /** What is forgotten, merged. */
  readonly checkpoints: Checkpoints;

  /**
   * @param capacity writes that are surely kept
   * @param interval steps between two checkpoints of the time before
   */
  constructor(
    readonly capacity = 1 << 20,
    interval = 100_000,
  ) {
    this.checkpoints = new Checkpoints(interval);
  }

  /** Goes back to a checkpoint: everything since is undone and forgotten. */
  restore(checkpoint: Checkpoint): void {
    this.turn(this.firstWrite, this.writes, -1);
    this.checkpoints.restore(checkpoint);
    this.writeChunks.length = 0;
    this.stepChunks.length = 0;
    this.writing = null;
    this.stepping = null;
    this.firstWrite = this.writes;
    this.origin = Math.min(this.origin, this.writes);
    this.taken = checkpoint.step;
    this.first = checkpoint.step;
  }

  /** Notes that a step begins, before its first write. Steps are numbered from 0 in the order of these calls. */
  begin(thread: number, site: number, depth: number, level: number, entered = 0, busy = false): void {
    const i = this.taken++ % CHUNK;
    if (i === 0 || this.stepping === null) this.stepping = this.newSteps();
    const chunk = this.stepping as Steps;
    chunk.starts[i] = this.writes;
    chunk.threads[i] = thread;
    chunk.sites[i] = site;
    chunk.depths[i] = depth;
    chunk.levels[i] = busy ? level | BUSY : level;
    chunk.entered[i] = entered;
  }

  /** Notes what a slot held before it is written. */
  push(obj: KObject, slot: number, old: unknown): void {
    const i = this.writes++ % CHUNK;
    if (i === 0 || this.writing === null) this.writing = this.newWrites();
    const chunk = this.writing as Writes;
    chunk.objs[i] = obj;
    chunk.slots[i] = slot;
    chunk.olds[i] = old;
  }

  /** All that was written so far was written to set the machine up. */
  opened(): void {
    this.origin = this.writes;
  }
  /** Undoes everything since `opened`: all steps, and what was written before the first. */
  undoAll(): void {
    this.undoTo(0);
    this.undoSince(this.origin);
  }

  /** Number of steps taken so far. */
  get steps(): number {
    return this.taken;
  }
  /** The first step that can still be undone. */
  get firstStep(): number {
    return this.first;
  }
  /** Writes held now. */
  get size(): number {
    return this.writes - this.firstWrite;
  }

  /** Who took a step that is still known, and from where. */
  stepInfo(step: number): StepInfo {
    const { threads, sites, depths, levels } = this.stepChunks[Math.floor(step / CHUNK)] as Steps;
    const i = step % CHUNK;
    return {
      thread: threads[i] as number,
      site: sites[i] as number,
      depth: depths[i] as number,
      level: (levels[i] as number) & ~BUSY,
    };
  }

  /** The thread that took a step. The same as `stepInfo` tells, for long searches. */
  threadOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).threads[step % CHUNK] as number;
  }
  /** The site from which a step was taken, as `stepInfo` tells. */
  siteOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).sites[step % CHUNK] as number;
  }
  /** Model functions on the stack before a step, as `stepInfo` tells. */
  depthOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).depths[step % CHUNK] as number;
  }

  /** Model functions that the thread had entered with its step before, and stood in when it took this one. */
  enteredAt(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).entered[step % CHUNK] as number;
  }

  /** The writes of the steps from `step` on to places for which `fits` holds, in order. Made for being asked at every step. */
  writesWith(step: number, fits: (obj: KObject, slot: number) => boolean): readonly Write[] {
    let found: Write[] | null = null;
    for (let n = step < this.taken ? this.startOf(step) : this.writes; n < this.writes; n++) {
      const { objs, slots } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
      if (!fits(objs[n % CHUNK] as KObject, slots[n % CHUNK] as number)) continue;
      found ??= [];
      found.push(this.write(n, this.stepAt(n)));
    }
    return found ?? NO_WRITES;
  }

  /** The latest step, not after `step`, that wrote to a place for which `fits` holds; -1 when none that is known did. */
  lastStepWith(step: number, fits: (obj: KObject, slot: number) => boolean): number {
    let n = step + 1 < this.taken ? this.startOf(step + 1) : this.writes;
    const last = Math.max(this.firstWrite, this.origin);
    while (--n >= last) {
      const { objs, slots } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
      if (fits(objs[n % CHUNK] as KObject, slots[n % CHUNK] as number)) return this.stepAt(n);
    }
    return -1;
  }

  /** Undoes everything from the beginning of `step` on. Throws when the window no longer reaches back to it. */
  undoTo(step: number): void {
    if (step < this.first)
      throw new RangeError(`step ${step} is before the journal's first step ${this.first}`);
    if (step >= this.taken) return;
    this.undoSince(this.startOf(step));
    this.taken = step;
    this.stepping = this.stepChunks[Math.floor(step / CHUNK)] ?? null;
  }

  /** The number of writes so far: a place to which `undoSince` goes back. */
  get mark(): number {
    return this.writes;
  }

  /** Does something that a person asks for: its writes are no step's. */
  byHand(act: () => void): void {
    const from = this.writes;
    act();
    this.hands.push([from, this.writes]);
  }

  /** Undoes the writes since a mark. */
  undoSince(mark: number): void {
    while ((this.hands.at(-1)?.[1] ?? 0) > mark) this.hands.pop();
    this.turn(mark, this.writes, -1);
    this.writes = mark;
    this.writing = this.writeChunks[Math.floor(mark / CHUNK)] ?? null;
  }

  /**
   * Takes the state back to the beginning of `step` and forgets nothing: `redo` makes the same changes again, step by step. In
   * between, what is written is to be undone again.
   */
  walkBack(step: number): void {
    this.end = this.writes;
    this.turn(this.startOf(step), this.end, -1);
  }

  /** Makes the changes of a step again, after `walkBack` to it or to one before it. */
  redo(step: number): void {
    const [from, to] = this.range(step, this.end);
    this.turn(from, to, 1);
  }

  /** Objects and frames that a step allocated, in order, while the state is taken back to before it. */
  *allocated(step: number): Generator<KObject | Frame> {
    const [from, to] = this.range(step, this.end);
    for (let n = from; n < to; n++) {
      const { objs, slots, olds } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
      const i = n % CHUNK;
      const obj = objs[i] as KObject;
      if (slots[i] === ALLOCATED) yield obj;
      else if (obj instanceof PhysicalMemory) {
        const frame = PhysicalMemory.taken(slots[i] as number, olds[i]);
        if (frame !== undefined) yield frame;
      }
    }
  }

  /** The writes of the steps from `step` on, in order. */
  *writesFrom(step: number): Generator<Write> {
    for (let s = Math.max(step, this.first); s < this.taken; s++) {
      const [from, to] = this.range(s, this.writes);
      for (let n = Math.max(from, this.firstWrite); n < to; n++) yield this.write(n, s);
    }
  }

  /** What the threads have done since a step, by their numbers. */
  doneSince(step: number): Map<number, Done> {
    const all = new Map<number, Done>();
    for (let k = Math.floor(step / CHUNK); k * CHUNK < this.taken; k++) {
      const { threads } = this.stepChunks[k] as Steps;
      const end = Math.min(this.taken - k * CHUNK, CHUNK);
      for (let i = Math.max(step - k * CHUNK, 0); i < end; i++) {
        const thread = threads[i] as number;
        const done = all.get(thread);
        if (done === undefined) all.set(thread, { first: k * CHUNK + i, steps: 1, allocations: 0 });
        else done.steps++;
      }
    }
    const from = this.startOf(step);
    for (let k = Math.floor(from / CHUNK); k * CHUNK < this.writes; k++) {
      const { slots } = this.writeChunks[k] as Writes;
      const end = Math.min(this.writes - k * CHUNK, CHUNK);
      for (let i = Math.max(from - k * CHUNK, 0); i < end; i++) {
        if (slots[i] !== ALLOCATED) continue;
        const done = all.get(this.threadOf(this.stepAt(k * CHUNK + i)));
        if (done !== undefined) done.allocations++;
      }
    }
    return all;
  }

  /** The writes to a slot, from the latest back to the earliest that is known; only those of steps before `before`. */
  *writesTo(obj: KObject, slot: number, before = this.taken): Generator<Write> {
    const end = before < this.taken ? this.startOf(before) : this.writes;
    const first = Math.max(this.firstWrite, this.origin);
    for (let k = Math.floor((end - 1) / CHUNK); (k + 1) * CHUNK > first; k--) {
      const { objs, slots } = this.writeChunks[k] as Writes;
      const low = Math.max(first - k * CHUNK, 0);
      for (let i = Math.min(end - k * CHUNK, CHUNK) - 1; i >= low; i--)
        if (objs[i] === obj && slots[i] === slot) yield this.write(k * CHUNK + i, this.stepAt(k * CHUNK + i));
    }
  }

  /** The last write to a slot that is still known. */
  lastWrite(obj: KObject, slot: number): Write | undefined {
    return this.writesTo(obj, slot).next().value as Write | undefined;
  }

  private write(n: number, step: number): Write {
    const { objs, slots, olds } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
    const i = n % CHUNK;
    const known = step >= this.first && this.stepChunks[Math.floor(step / CHUNK)] !== undefined;
    return {
      step,
      thread: known ? this.threadOf(step) : 0,
      site: known ? this.siteOf(step) : 0,
      obj: objs[i] as KObject,
      slot: slots[i] as number,
      old: olds[i],
      byHand: this.hands.some(([from, to]) => n >= from && n < to),
    };
  }

  /** The step that a write belongs to. What is written before the first step, or between two, belongs to the one before. */
  private stepAt(n: number): number {
    let [low, high] = [this.first, this.taken - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.startOf(middle) <= n) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Numbers of the writes of a step, where `end` is that of the first that is not there. */
  private range(step: number, end: number): [from: number, to: number] {
    return [this.startOf(step), step + 1 < this.taken ? this.startOf(step + 1) : end];
  }

  /** Swaps the writes from `from` to `to` with what is in memory: backwards, or forwards again. */
  private turn(from: number, to: number, way: 1 | -1): void {
    const [first, last] = [Math.floor(from / CHUNK), Math.floor((to - 1) / CHUNK)];
    for (let k = way > 0 ? first : last; k >= first && k <= last; k += way) {
      const { objs, slots, olds } = this.writeChunks[k] as Writes;
      const [low, high] = [Math.max(from - k * CHUNK, 0), Math.min(to - k * CHUNK, CHUNK) - 1];
      for (let i = way > 0 ? low : high; i >= low && i <= high; i += way)
        olds[i] = (objs[i] as KObject).$swap(slots[i] as number, olds[i]);
    }
  }

  private startOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).starts[step % CHUNK] as number;
  }

  private newSteps(): Steps {
    const k = Math.floor((this.taken - 1) / CHUNK);
    const known = this.stepChunks[k];
    if (known !== undefined) return known;
    const chunk = new Steps();
    this.stepChunks[k] = chunk;
    const least = this.taken - 2 * this.capacity - CHUNK;
    if (least > this.first) this.forgetBefore(least);
    return chunk;
  }

  private newWrites(): Writes {
    const k = Math.floor((this.writes - 1) / CHUNK);
    const known = this.writeChunks[k];
    if (known !== undefined) return known;
    const chunk = new Writes();
    this.writeChunks[k] = chunk;
    if (this.writes - this.firstWrite > this.capacity + 2 * CHUNK) {
      let step = this.first;
      while (step < this.taken - 1 && this.startOf(step) < this.firstWrite + CHUNK) step++;
      this.forgetBefore(step);
    }
    return chunk;
  }

  /** Forgets the steps before `step`, and hands their writes over to the checkpoints. */
  private forgetBefore(step: number): void {
    for (let s = this.first; s < step; s++) {
      const chunk = this.stepChunks[Math.floor(s / CHUNK)] as Steps;
      const i = s % CHUNK;
      this.checkpoints.step(s, chunk.threads[i] as number, (chunk.levels[i] as number) < BUSY);
      const [from, to] = this.range(s, this.writes);
      for (let n = Math.max(from, this.origin); n < to; n++) {
        const { objs, slots, olds } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
        const w = n % CHUNK;
        this.checkpoints.write(objs[w] as KObject, slots[w] as number, olds[w]);
      }
    }
    const keep = this.startOf(step);
    for (let k = Math.floor(this.firstWrite / CHUNK); (k + 1) * CHUNK <= keep; k++)
      delete this.writeChunks[k];
    for (let k = Math.floor(this.first / CHUNK); (k + 1) * CHUNK <= step; k++) delete this.stepChunks[k];
    this.firstWrite = keep;
    this.first = step;
  }
}
