/** Heads of reverse-map chains, one for each frame of a slot. Nearly all are empty, so only the others are stored. */
import { type Cell, type Indexed, KObject, looked } from '../../../machine/index.js';
import { chain } from './mmu_page.js';

/** A sparse array of chain heads. 0: empty; a number: the one spte, by its word address; otherwise a `pte_list_desc`. */
export class Rmap extends KObject implements Indexed {
  private readonly heads = new Map<number, unknown>();

  constructor(readonly length: number) {
    super();
  }
  get $name() {
    return 'rmap';
  }
  element(i: number): unknown {
    looked(this, i);
    return this.seenAs(i, this.$get(i));
  }
  /** People see the byte address of the one spte. */
  seenAs(_i: number, raw: unknown): unknown {
    return typeof raw === 'number' ? raw * 8 : raw;
  }
  cellOf(i: number): Cell {
    return { obj: this, slot: i };
  }
  occupied(i: number): boolean {
    return this.heads.has(i);
  }
  /** Numbers of the frames that are mapped, ascending. */
  mapped(): number[] {
    return [...this.heads.keys()].sort((a, b) => a - b);
  }
  $get(slot: number): unknown {
    return this.heads.get(slot) ?? 0;
  }
  $set(slot: number, value: unknown): void {
    if (value === 0) this.heads.delete(slot);
    else this.heads.set(slot, value);
  }
  override $text(_slot: number, raw: unknown): string {
    return chain(this.seenAs(0, raw));
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}
