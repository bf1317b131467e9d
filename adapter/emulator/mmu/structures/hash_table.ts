/** The hash of shadow pages. Most buckets are empty, so only the others are stored. */
import { type Cell, type Indexed, KObject, looked } from '../../../machine/index.js';
import type { KvmMmuPage } from './mmu_page.js';

const EMPTY: readonly KvmMmuPage[] = [];

/** Number of buckets. */
export const BUCKETS = 1024;

/** Buckets of shadow pages; private under `mmu_lock`. */
export class HashTable extends KObject implements Indexed {
  readonly length = BUCKETS;
  private readonly buckets = new Map<number, readonly KvmMmuPage[]>();

  get $name() {
    return 'mmu_page_hash';
  }
  /** The pages of a bucket, the newest first. */
  bucket(gfn: number): readonly KvmMmuPage[] {
    return this.$load(gfn % BUCKETS) as readonly KvmMmuPage[];
  }
  add(sp: KvmMmuPage): void {
    this.$store(sp.gfn % BUCKETS, [sp, ...this.bucket(sp.gfn)]);
  }
  del(sp: KvmMmuPage): void {
    this.$store(
      sp.gfn % BUCKETS,
      this.bucket(sp.gfn).filter((p) => p !== sp),
    );
  }
  element(i: number): unknown {
    looked(this, i);
    return this.$get(i);
  }
  cellOf(i: number): Cell {
    return { obj: this, slot: i };
  }
  occupied(i: number): boolean {
    return this.buckets.has(i);
  }
  $get(slot: number): unknown {
    return this.buckets.get(slot) ?? EMPTY;
  }
  $set(slot: number, value: unknown): void {
    if ((value as readonly KvmMmuPage[]).length === 0) this.buckets.delete(slot);
    else this.buckets.set(slot, value as readonly KvmMmuPage[]);
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}
