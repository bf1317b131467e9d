/**
 * The undo journal: every write to kernel memory is noted with what was there before, and where each step begins, so that it can be
 * taken back (exploration 3). It is a window: what is older than its capacity is forgotten, and merged into checkpoints.
 */
import { type Checkpoint, Checkpoints } from './checkpoints.js';
import { BUSY, CHUNK, Log, Steps, Writes } from './log.js';
import { type Frame, PhysicalMemory } from './memory.js';
import { ALLOCATED, type KObject } from './object.js';

export class Journal extends Log {
  /** The chunks that are being filled. */
  private writing: Writes | null = null;
  private stepping: Steps | null = null;
  /** Writes while the state is taken back by `walkBack`. */
  private end = 0;
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
    super();
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
