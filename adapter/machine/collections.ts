/** Arrays, lists and bitmaps in kernel memory: journaled and watched like any field. */
import { journal, looked, touch, watching } from './current.js';
import { type Cell, KObject, WHOLE } from './object.js';
import type { Indexed } from './view.js';

/** A fixed number of elements. `array[i]` of scenarios; `READ_ONCE(array, i)` where an access is a step. */
export class KArray<T> extends KObject implements Indexed {
  [index: number]: T;
  protected readonly v: T[];

  /** @param length number of elements; @param fill their initial value */
  constructor(
    length: number,
    private readonly fill: T,
  ) {
    super();
    this.v = new Array<T>(length).fill(fill);
  }
  get $name() {
    return 'array';
  }
  get length(): number {
    return this.v.length;
  }
  /** The element at `i`, as a private access. */
  at(i: number): T {
    return this.$load(i) as T;
  }
  /** Sets the element at `i`, as a private access. */
  put(i: number, value: T): void {
    this.$store(i, value);
  }
  element(i: number): unknown {
    looked(this, i);
    return this.v[i];
  }
  occupied(i: number): boolean {
    return this.v[i] !== this.fill;
  }
  cellOf(i: number): Cell {
    return { obj: this, slot: i };
  }
  seenAs(_i: number, raw: unknown): unknown {
    return raw;
  }
  $get(slot: number): unknown {
    return this.v[slot];
  }
  $set(slot: number, value: unknown): void {
    this.v[slot] = value as T;
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}

/** Bits in 64-bit words. Kernel code works on words; scenarios read single bits, `bitmap[n]`. */
export class Bitmap extends KArray<bigint> {
  /** @param bits number of bits; all start clear */
  constructor(readonly bits: number) {
    super(Math.ceil(bits / 64), 0n);
  }
  override get $name() {
    return 'bitmap';
  }
  override get length(): number {
    return this.bits;
  }
  override element(i: number): unknown {
    return this.test(i);
  }
  override occupied(i: number): boolean {
    return this.test(i);
  }
  /** The word of 64 bits that holds bit `i`. */
  override cellOf(i: number): Cell {
    return { obj: this, slot: Math.floor(i / 64) };
  }
  override seenAs(i: number, raw: unknown): unknown {
    return (((raw as bigint) >> BigInt(i % 64)) & 1n) === 1n;
  }
  override $slotName(slot: number) {
    return `[${slot * 64}..${Math.min(this.bits, slot * 64 + 64) - 1}]`;
  }
  override $text(slot: number, raw: unknown): string {
    return `{${bitsOf(raw as bigint)
      .map((b) => slot * 64 + b)
      .join(', ')}}`;
  }
  /** The words, without being an access. */
  words(): readonly bigint[] {
    return this.v;
  }
  /** Whether bit `n` is set, without being an access of the kernel's. */
  test(n: number): boolean {
    looked(this, Math.floor(n / 64));
    return (((this.v[Math.floor(n / 64)] ?? 0n) >> BigInt(n % 64)) & 1n) === 1n;
  }
  /** Numbers of the bits that are set, ascending. */
  ones(): number[] {
    looked(this, WHOLE);
    return this.v.flatMap((w, i) => (w === 0n ? [] : bitsOf(w).map((b) => i * 64 + b)));
  }
}

/** Numbers of the bits set in a 64-bit word, lowest first. */
export function bitsOf(word: bigint): number[] {
  const bits: number[] = [];
  for (let b = 0; word !== 0n; b++, word >>= 1n) if (word & 1n) bits.push(b);
  return bits;
}

/** A list of the kernel's: add at either end, remove anywhere. */
export class KList<T> extends KObject implements Indexed {
  private readonly v: T[] = [];

  get $name() {
    return 'list';
  }
  get length(): number {
    if (watching || this.$freed !== null) touch(this, 0, false);
    return this.v.length;
  }
  element(i: number): unknown {
    looked(this, WHOLE);
    return this.v[i];
  }
  /** The elements from head to tail. The array is the list's own: copy it to change the list while walking. */
  items(): readonly T[] {
    if (watching || this.$freed !== null) touch(this, 0, false);
    return this.v;
  }
  [Symbol.iterator](): Iterator<T> {
    return this.items()[Symbol.iterator]();
  }
  add(item: T): void {
    this.insert(0, item);
  }
  add_tail(item: T): void {
    this.insert(this.v.length, item);
  }
  /** Puts an item before the one at position `i`. */
  insert(i: number, item: T): void {
    if (watching || this.$freed !== null) touch(this, 0, true);
    if (journal !== null) journal.push(this, 2 * i, undefined);
    this.v.splice(i, 0, item);
  }
  /** Removes an item; returns whether it was there. */
  del(item: T): boolean {
    const i = this.v.indexOf(item);
    if (i >= 0) this.removeAt(i);
    return i >= 0;
  }
  /** Removes and returns the item at position `i`. */
  removeAt(i: number): T {
    if (watching || this.$freed !== null) touch(this, 0, true);
    const item = this.v[i] as T;
    if (journal !== null) journal.push(this, 2 * i + 1, item);
    this.v.splice(i, 1);
    return item;
  }
  override $ordered(slot: number): boolean {
    return slot >= 0;
  }
  /** Slots `2 i` and `2 i + 1` stand for an item put in and taken out at `i`. */
  override $swap(slot: number, value: unknown): unknown {
    if (slot < 0) return super.$swap(slot, value);
    const i = Math.floor(slot / 2);
    if (value === undefined) return this.v.splice(i, 1)[0];
    this.v.splice(i, 0, value as T);
    return undefined;
  }
  $get(slot: number): unknown {
    return this.v[slot];
  }
  $set(slot: number, value: unknown): void {
    this.v[slot] = value as T;
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}
