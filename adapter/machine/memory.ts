/**
 * Physical memory: frames of 512 64-bit words, on which guest pages and page tables lie. A word is addressed by its number,
 * `pfn * 512 + index`. Frames are numbered by the thread that allocates them, so that numbers do not depend on the schedule.
 */
import { machine } from './current.js';
import { KObject, type Trace } from './object.js';

/** Words of a frame. */
export const WORDS = 512;
const CHUNK = 1 << 16;
/** A thread's n-th chunk of frames is number `n * THREADS + thread`: numbers stay small while memory is. */
const THREADS = 256;
const CHUNKS = 64;
/** Words that a frame keeps in a short list before it gets an array of all 512. */
const SPARSE = 16;

/** The few words of a frame that are not zero. Most pages of a large guest hold one: a list is a tenth of a map then. */
interface Sparse {
  readonly places: number[];
  readonly words: bigint[];
}

/** One frame of physical memory. Its words are zero until written. */
export class Frame {
  words: BigUint64Array | null = null;
  /** The same words as halves, the low one first: page walks of the hardware look at single bits, and often. */
  halves: Uint32Array | null = null;
  private sparse: Sparse | null = null;
  freed: Trace | null = null;
  /** @param owner what the frame is used for: a shadow page, a page of the host, ... */
  constructor(
    readonly pfn: number,
    public owner: KObject | null,
  ) {}

  /** Gives the frame its array of all words at once, instead of when many are in use. */
  dense(): void {
    this.words = new BigUint64Array(WORDS);
    this.halves = new Uint32Array(this.words.buffer);
  }

  word(i: number): bigint {
    if (this.words !== null) return this.words[i] as bigint;
    const at = this.sparse?.places.indexOf(i) ?? -1;
    return at < 0 ? 0n : ((this.sparse as Sparse).words[at] as bigint);
  }

  setWord(i: number, value: bigint): void {
    if (this.words !== null) this.words[i] = value;
    else this.setSparse(i, BigInt.asUintN(64, value));
  }

  private setSparse(i: number, value: bigint): void {
    if (this.sparse === null) {
      this.sparse = { places: [i], words: [value] };
      return;
    }
    const { places, words } = this.sparse;
    const at = places.indexOf(i);
    if (at >= 0) words[at] = value;
    else if (places.length < SPARSE) {
      places.push(i);
      words.push(value);
    } else {
      this.sparse = null;
      this.dense();
      for (const [k, place] of places.entries()) this.setWord(place, words[k] as bigint);
      this.setWord(i, value);
    }
  }
}

/** Called after a word of an allocated frame was written by a step. */
export type WordHook = (pa: number, frame: Frame, old: bigint, value: bigint) => void;

export class PhysicalMemory extends KObject {
  private readonly chunks: Frame[][] = [];
  /** Frames in use now. */
  frames = 0;
  /** Hears of every word that is written; set by the subsystem that gives words a meaning. */
  hook: WordHook | null = null;

  get $name() {
    return 'physical memory';
  }

  /** Takes a frame of zeroes for `owner` and returns its number. Throws when the thread's numbers run out. */
  alloc(owner: KObject | null): Frame {
    let chunk = machine.allocating;
    while ((this.chunks[chunk]?.length ?? 0) >= CHUNK) chunk += THREADS;
    if (chunk >= CHUNKS * THREADS) throw new Error('the simulated host is out of memory frames');
    this.chunks[chunk] ??= [];
    const frames = this.chunks[chunk] as Frame[];
    const frame = machine.rebuilding?.frame() ?? new Frame(chunk * CHUNK + frames.length, owner);
    frames.push(frame);
    this.frames++;
    machine.journal?.push(this, -2 * frame.pfn - 1, undefined);
    return frame;
  }

  /** Takes `n` frames in a row, the first a multiple of `n`, and returns the first. The frames skipped for that stay unused. */
  allocRun(owner: KObject | null, n: number): Frame {
    let first = this.alloc(owner);
    while (first.pfn % n !== 0) first = this.alloc(owner);
    for (let i = 1; i < n; i++) this.alloc(owner);
    return first;
  }

  /** Gives a frame back. Any later touch of it by kernel code is a use after free; its words stay, so that this can be undone. */
  free(pfn: number): void {
    const f = this.frame(pfn);
    if (f === undefined) throw new Error(`frame ${pfn} was never allocated`);
    machine.journal?.push(this, -2 * pfn - 2, f.freed);
    f.freed = machine.trace();
    this.frames--;
  }

  override $ordered(slot: number): boolean {
    return slot < 0;
  }
  /** Slots below zero stand for a frame taken (odd) or given back (even). */
  override $swap(slot: number, value: unknown): unknown {
    if (slot >= 0) return this.swapWord(slot, value as bigint);
    const pfn = Math.floor((-slot - 1) / 2);
    if (-slot % 2 === 1) return this.swapFrame(pfn, value as Frame | undefined);
    const f = this.frame(pfn) as Frame;
    const { freed } = f;
    f.freed = value as Trace | null;
    this.frames += (freed === null ? 0 : 1) - (value === null ? 0 : 1);
    return freed;
  }

  private swapWord(pa: number, value: bigint): bigint {
    const f = this.frameOf(pa) as Frame;
    const now = f.word(pa % WORDS);
    f.setWord(pa % WORDS, value);
    return now;
  }

  private swapFrame(pfn: number, frame: Frame | undefined): Frame | undefined {
    const chunk = this.chunks[pfn >>> 16] as Frame[];
    this.frames += frame === undefined ? -1 : 1;
    if (frame === undefined) return chunk.pop();
    chunk.push(frame);
    return undefined;
  }

  /** The frame that a journaled change took, as the journal holds it while the change is taken back; else undefined. */
  static taken(slot: number, held: unknown): Frame | undefined {
    return slot < 0 && -slot % 2 === 1 ? (held as Frame) : undefined;
  }

  /** The frame with that number, or undefined. */
  frame(pfn: number): Frame | undefined {
    return this.chunks[pfn >>> 16]?.[pfn & 0xffff];
  }

  /** The frame that holds a word. */
  frameOf(pa: number): Frame | undefined {
    const pfn = Math.floor(pa / WORDS);
    return this.chunks[pfn >>> 16]?.[pfn & 0xffff];
  }

  $get(pa: number): bigint {
    return this.frameOf(pa)?.word(pa % WORDS) ?? 0n;
  }

  /** The low 32 bits of a word, for page walks of the hardware. */
  low(pa: number): number {
    const halves = this.frameOf(pa)?.halves;
    return halves ? (halves[2 * (pa % WORDS)] as number) : Number(this.$get(pa) & 0xffffffffn);
  }
  /** The high 32 bits of a word. */
  high(pa: number): number {
    const halves = this.frameOf(pa)?.halves;
    return halves ? (halves[2 * (pa % WORDS) + 1] as number) : Number(this.$get(pa) >> 32n);
  }

  $set(pa: number, value: unknown): void {
    const f = this.frameOf(pa);
    if (f === undefined) throw new Error(`physical address 0x${(pa * 8).toString(16)} is not memory`);
    f.setWord(pa % WORDS, value as bigint);
  }

  override $look(pa: number): bigint {
    return super.$look(pa) as bigint;
  }

  override $load(pa: number): bigint {
    const f = this.frameOf(pa);
    if (f !== undefined && f.freed !== null) machine.usedFreedFrame(f, pa, false);
    if (machine.watcher !== null) machine.watcher.touched(this, pa, false);
    return this.$get(pa);
  }

  override $store(pa: number, value: unknown): void {
    const f = this.frameOf(pa);
    if (f === undefined) throw new Error(`physical address 0x${(pa * 8).toString(16)} is not memory`);
    if (f.freed !== null) machine.usedFreedFrame(f, pa, true);
    if (machine.watcher !== null) machine.watcher.touched(this, pa, true);
    const old = this.$get(pa);
    machine.journal?.push(this, pa, old);
    this.$set(pa, value);
    if (this.hook !== null) this.hook(pa, f, old, BigInt.asUintN(64, value as bigint));
  }

  $slotName(pa: number) {
    return `0x${(pa * 8).toString(16)}`;
  }
}
