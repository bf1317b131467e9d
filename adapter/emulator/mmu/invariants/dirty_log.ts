/** What the dirty log knows of each page: the bit, a snapshot on its way to userspace, or a fast path about to set it. */
import { type Bitmap, bitsOf, current } from '../../../machine/index.js';
import type { KvmMemorySlot, KvmMemslots } from '../structures/memslot.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import type { Checker } from './checker.js';
import { Ledger } from './ledger.js';
import { inSlot, type Look, peek } from './look.js';
import { type Excuse, fastPathOf, type Suspects } from './suspects.js';

/** Key of a word of a slot's bitmap. */
const wordKey = (slot: number, word: number): number => slot * 2 ** 40 + word;
const NO_BITMAPS: readonly Bitmap[] = [];
const bitmapOf = (s: KvmMemorySlot): Bitmap | null => peek(s, 'dirty_bitmap');

export class DirtyLog {
  private readonly look: Look;
  /** Slots whose log is being enabled, with the thread that does so: the log is on when that operation has ended. */
  private readonly enabling = new Ledger<number>();
  /** Words that a harvest has taken and not delivered. */
  private readonly taken = new Ledger<bigint>();
  /** Bitmaps that were replaced, as a whole, and not delivered. */
  private readonly replaced = new Ledger<readonly Bitmap[]>();
  /** Bits that were set when the word was last written. */
  private readonly known = new Ledger<bigint>();
  /** vCPUs whose fast path has made a frame writable and not marked it. */
  private readonly unmarked = new Ledger<number>();
  private readonly pageListeners: ((gfn: number) => void)[] = [];
  private readonly slotListeners: ((slot: KvmMemorySlot) => void)[] = [];
  private readonly reportListeners: ((gfn: number) => void)[] = [];
  private readonly waiting: Suspects[] = [];
  /** The slots that are logged now; follows from the published slots. */
  private list: readonly KvmMemorySlot[];
  private listOf: KvmMemslots;

  constructor(c: Checker) {
    this.look = c.look;
    this.listOf = c.look.memslots;
    this.list = this.loggedNow();
    c.onPublished((before) => this.published(before));
    const { observers } = c.kvm;
    observers.operationEnded.push((t) => this.operationEnded(t.index));
    observers.dirtySet.push((slot, rel) => this.bitSet(slot, rel));
    observers.dirtyTaken.push((slot, word, bits) => this.wordTaken(slot, word, bits));
    observers.dirtyCleared.push((slot, word, bits) => this.wordCleared(slot, word, bits));
    observers.dirtyDelivered.push((slot, words) => this.delivered(slot, words));
    observers.fastPathFixed.push((v, gfn) => this.unmarked.put(peek(v, 'vcpu_id'), gfn));
    observers.fastPathMarked.push((v) => this.marked(v));
  }

  /** Calls back for pages that may have lost what covered them: their bit, or the snapshot that held it. */
  onUncovered(f: (gfn: number) => void): void {
    this.pageListeners.push(f);
  }
  /** Calls back when logging of a slot has begun. */
  onLogged(f: (slot: KvmMemorySlot) => void): void {
    this.slotListeners.push(f);
  }
  /** Calls back for each page of a report that was delivered. */
  onReported(f: (gfn: number) => void): void {
    this.reportListeners.push(f);
  }
  /** These suspects have excuses that end when a fast path has marked its page. */
  wakes(s: Suspects): void {
    this.waiting.push(s);
  }

  /** The slot of a frame, if it is logged; not while its log is still being enabled. */
  slotOf(gfn: number): KvmMemorySlot | undefined {
    for (const s of this.slots()) if (inSlot(s, gfn)) return this.enabling.has(peek(s, 'id')) ? undefined : s;
    return undefined;
  }
  /** Slots that have a bitmap. */
  slots(): readonly KvmMemorySlot[] {
    if (this.look.memslots !== this.listOf) {
      this.listOf = this.look.memslots;
      this.list = this.loggedNow();
    }
    return this.list;
  }
  /** Whether the log holds a page: its bit is set, or was taken into a snapshot that is not delivered yet. */
  covers(slot: KvmMemorySlot, gfn: number): boolean {
    return bitmapOf(slot)?.test(gfn - peek(slot, 'base_gfn')) === true || this.onItsWay(slot, gfn);
  }
  /** Whether a page is in a snapshot that is not delivered yet. The harvest that took it has its flush still before it. */
  onItsWay(slot: KvmMemorySlot, gfn: number): boolean {
    const id = peek(slot, 'id');
    const rel = gfn - peek(slot, 'base_gfn');
    const word = this.taken.size === 0 ? undefined : this.taken.get(wordKey(id, Math.floor(rel / 64)));
    if (word !== undefined && ((word >> BigInt(rel % 64)) & 1n) === 1n) return true;
    return (this.replaced.get(id) ?? NO_BITMAPS).some((b) => b.test(rel));
  }
  /** The excuse of a frame that some fast path is about to mark; 0 when none is. */
  fastPath(gfn: number): Excuse {
    if (this.unmarked.size > 0)
      for (const v of this.unmarked.keys()) if (this.unmarked.get(v) === gfn) return fastPathOf(v);
    return 0;
  }

  private loggedNow(): KvmMemorySlot[] {
    return this.look.slots().filter((s) => bitmapOf(s) !== null);
  }

  /** Slots were published: logging has begun somewhere, or a bitmap was replaced. */
  private published(before: KvmMemslots): void {
    const old = this.look.slots(before);
    for (const s of this.slots()) {
      const id = peek(s, 'id');
      const was = old.find((o) => peek(o, 'id') === id);
      const bitmap = was === undefined ? null : bitmapOf(was);
      if (bitmap === null) this.enabling.put(id, current.index);
      else if (bitmap !== bitmapOf(s))
        this.replaced.put(id, [...(this.replaced.get(id) ?? NO_BITMAPS), bitmap]);
    }
  }

  private operationEnded(thread: number): void {
    if (this.enabling.size === 0) return;
    for (const id of this.enabling.keys()) {
      if (this.enabling.get(id) !== thread) continue;
      this.enabling.put(id, undefined);
      for (const s of this.slots()) if (peek(s, 'id') === id) for (const f of this.slotListeners) f(s);
    }
  }

  /** A bit was set; one that a word lost by the same write is uncovered. */
  private bitSet(slot: KvmMemorySlot, rel: number): void {
    const word = Math.floor(rel / 64);
    const key = wordKey(peek(slot, 'id'), word);
    const now = bitmapOf(slot)?.$get(word) as bigint;
    const lost = (this.known.get(key) ?? 0n) & ~now;
    this.known.put(key, now);
    if (lost !== 0n) this.uncovered(slot, word, lost);
  }

  private wordTaken(slot: KvmMemorySlot, word: number, bits: bigint): void {
    const key = wordKey(peek(slot, 'id'), word);
    this.taken.put(key, (this.taken.get(key) ?? 0n) | bits);
    this.known.put(key, undefined);
    this.uncovered(slot, word, bits);
  }

  private wordCleared(slot: KvmMemorySlot, word: number, bits: bigint): void {
    this.known.put(wordKey(peek(slot, 'id'), word), undefined);
    this.uncovered(slot, word, bits);
  }

  private delivered(slot: KvmMemorySlot, words: readonly bigint[]): void {
    const id = peek(slot, 'id');
    this.replaced.put(id, undefined);
    for (let w = 0; w < words.length; w++) {
      const bits = words[w] as bigint;
      const taken = this.taken.get(wordKey(id, w)) ?? 0n;
      if (bits === 0n && taken === 0n) continue;
      this.taken.put(wordKey(id, w), undefined);
      this.uncovered(slot, w, bits | taken);
      for (const b of bitsOf(bits))
        for (const f of this.reportListeners) f(peek(slot, 'base_gfn') + w * 64 + b);
    }
  }

  private uncovered(slot: KvmMemorySlot, word: number, bits: bigint): void {
    const first = peek(slot, 'base_gfn') + word * 64;
    for (const b of bitsOf(bits)) for (const f of this.pageListeners) f(first + b);
  }

  private marked(v: KvmVcpu): void {
    const vcpu = peek(v, 'vcpu_id');
    this.unmarked.put(vcpu, undefined);
    for (const s of this.waiting) s.wake(fastPathOf(vcpu));
  }
}
