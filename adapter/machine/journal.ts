/**
 * The undo journal: every write to kernel memory with what was there before, and where each step begins (exploration 3).
 * It is a window: what is older than its capacity is forgotten, a chunk at a time.
 */
import type { KObject } from './object.js';

/** One journaled write. */
export interface Write {
  readonly step: number;
  readonly thread: number;
  readonly site: number;
  readonly obj: KObject;
  readonly slot: number;
  readonly old: unknown;
}

/** Entries of a chunk. */
const CHUNK = 1 << 14;

/** Writes, `CHUNK` of them. */
class Writes {
  readonly objs: KObject[] = new Array(CHUNK);
  readonly slots = new Float64Array(CHUNK);
  readonly olds: unknown[] = new Array(CHUNK);
}

/** Steps, `CHUNK` of them: number of the first write, thread, and the site from which it was taken. */
class Steps {
  readonly starts = new Float64Array(CHUNK);
  readonly threads = new Uint16Array(CHUNK);
  readonly sites = new Int32Array(CHUNK);
}

export class Journal {
  /** Chunk `k` holds entries from `k * CHUNK` on; chunks that were forgotten are not there any more. */
  private readonly writeChunks: Writes[] = [];
  private readonly stepChunks: Steps[] = [];
  /** The chunks that are being filled. */
  private writing: Writes | null = null;
  private stepping: Steps | null = null;
  /** Writes and steps so far, forgotten ones included. */
  private writes = 0;
  private taken = 0;
  /** The first write and the first step that are still known. */
  private firstWrite = 0;
  private first = 0;

  /** @param capacity writes that are surely kept */
  constructor(readonly capacity = 1 << 20) {}

  /** Notes that a step begins, before its first write. Steps are numbered from 0 in the order of these calls. */
  begin(thread: number, site: number): void {
    const i = this.taken++ % CHUNK;
    if (i === 0) this.stepping = this.stepChunks[(this.taken - 1) / CHUNK] ?? this.newSteps();
    const chunk = this.stepping as Steps;
    chunk.starts[i] = this.writes;
    chunk.threads[i] = thread;
    chunk.sites[i] = site;
  }

  /** Notes what a slot held before it is written. */
  push(obj: KObject, slot: number, old: unknown): void {
    const i = this.writes++ % CHUNK;
    if (i === 0) this.writing = this.writeChunks[(this.writes - 1) / CHUNK] ?? this.newWrites();
    const chunk = this.writing as Writes;
    chunk.objs[i] = obj;
    chunk.slots[i] = slot;
    chunk.olds[i] = old;
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

  /** Undoes everything from the beginning of `step` on. Throws when the window no longer reaches back to it. */
  undoTo(step: number): void {
    if (step < this.first)
      throw new RangeError(`step ${step} is before the journal's first step ${this.first}`);
    if (step >= this.taken) return;
    const keep = this.startOf(step);
    for (let n = this.writes - 1; n >= keep; n--) {
      const { objs, slots, olds } = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
      const i = n % CHUNK;
      (objs[i] as KObject).$undo(slots[i] as number, olds[i]);
    }
    this.writes = keep;
    this.taken = step;
    this.writing = this.writeChunks[Math.floor(keep / CHUNK)] ?? null;
    this.stepping = this.stepChunks[Math.floor(step / CHUNK)] ?? null;
  }

  /** Writes from the latest back to the earliest that is kept. */
  *backwards(): Generator<Write> {
    let step = this.taken - 1;
    for (let n = this.writes - 1; n >= this.firstWrite; n--) {
      while (step > this.first && this.startOf(step) > n) step--;
      const w = this.writeChunks[Math.floor(n / CHUNK)] as Writes;
      const s = this.stepChunks[Math.floor(Math.max(step, 0) / CHUNK)];
      yield {
        step,
        thread: s?.threads[step % CHUNK] ?? 0,
        site: s?.sites[step % CHUNK] ?? 0,
        obj: w.objs[n % CHUNK] as KObject,
        slot: w.slots[n % CHUNK] as number,
        old: w.olds[n % CHUNK],
      };
    }
  }

  /** The last write to a slot that is still known. */
  lastWrite(obj: KObject, slot: number): Write | undefined {
    for (const w of this.backwards()) if (w.obj === obj && w.slot === slot) return w;
    return undefined;
  }

  private startOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).starts[step % CHUNK] as number;
  }

  private newSteps(): Steps {
    const chunk = new Steps();
    this.stepChunks[(this.taken - 1) / CHUNK] = chunk;
    const least = this.taken - 2 * this.capacity - CHUNK;
    if (least > this.first) this.forgetSteps(least);
    return chunk;
  }

  private newWrites(): Writes {
    const chunk = new Writes();
    this.writeChunks[(this.writes - 1) / CHUNK] = chunk;
    if (this.writes - this.firstWrite > this.capacity + 2 * CHUNK) {
      this.firstWrite += CHUNK;
      delete this.writeChunks[this.firstWrite / CHUNK - 1];
      let step = this.first;
      while (step < this.taken - 1 && this.startOf(step) < this.firstWrite) step++;
      this.forgetSteps(step);
    }
    return chunk;
  }

  /** Forgets the steps before `step`; those of a chunk go together, but none of them is undone any more. */
  private forgetSteps(step: number): void {
    for (let k = Math.floor(this.first / CHUNK); k < Math.floor(step / CHUNK); k++) delete this.stepChunks[k];
    this.first = step;
  }
}
