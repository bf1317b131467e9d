/**
 * What is known of the past: the writes to kernel memory with what was there before, and the steps that they belong to. Here it is
 * only asked; `journal.ts` writes it, and takes it back.
 */
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
export const CHUNK = 1 << 14;

const NO_WRITES: readonly Write[] = [];

/** Writes, `CHUNK` of them. */
export class Writes {
  readonly objs: KObject[] = new Array(CHUNK);
  readonly slots = new Float64Array(CHUNK);
  readonly olds: unknown[] = new Array(CHUNK);
}

/** Steps, `CHUNK` of them: number of the first write, thread, the site from which it was taken, and how deep that was. */
export class Steps {
  readonly starts = new Float64Array(CHUNK);
  readonly threads = new Uint16Array(CHUNK);
  readonly sites = new Int32Array(CHUNK);
  readonly depths = new Uint8Array(CHUNK);
  /** Frames of the scenario, and in the highest bit whether any thread was inside an operation. */
  readonly levels = new Uint8Array(CHUNK);
  readonly entered = new Uint8Array(CHUNK);
}

/** In `levels`: a thread was inside an operation. */
export const BUSY = 0x80;

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

/** The part of the past that is kept: steps and writes are numbered from the start of the run, and the first may be forgotten. */
export class Log {
  /** Chunk `k` holds entries from `k * CHUNK` on; chunks that were forgotten are not there any more. */
  protected readonly writeChunks: Writes[] = [];
  protected readonly stepChunks: Steps[] = [];
  /** The writes that a person made: from which to which, in order. */
  protected readonly hands: (readonly [from: number, to: number])[] = [];
  /** Writes and steps so far, forgotten ones included. */
  protected writes = 0;
  protected taken = 0;
  /** The first write and the first step that are still known. */
  protected firstWrite = 0;
  protected first = 0;

  /** Writes before this one belong to no step, and are neither told of nor undone. */
  protected origin = 0;

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
    const end = step + 1 < this.taken ? this.startOf(step + 1) : this.writes;
    const first = Math.max(this.firstWrite, this.origin);
    for (let k = Math.floor((end - 1) / CHUNK); (k + 1) * CHUNK > first; k--) {
      const { objs, slots } = this.writeChunks[k] as Writes;
      const low = Math.max(first - k * CHUNK, 0);
      for (let i = Math.min(end - k * CHUNK, CHUNK) - 1; i >= low; i--)
        if (fits(objs[i] as KObject, slots[i] as number)) return this.stepAt(k * CHUNK + i);
    }
    return -1;
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
  protected range(step: number, end: number): [from: number, to: number] {
    return [this.startOf(step), step + 1 < this.taken ? this.startOf(step + 1) : end];
  }

  protected startOf(step: number): number {
    return (this.stepChunks[Math.floor(step / CHUNK)] as Steps).starts[step % CHUNK] as number;
  }
}
