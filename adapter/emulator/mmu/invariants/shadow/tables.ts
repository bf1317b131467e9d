/** The shadow pages of guest tables, for the rules about them. */
import { BUCKETS } from '../../structures/hash_table.js';
import type { KvmMmuPage } from '../../structures/mmu_page.js';
import { ROLE_DIRECT, ROLE_INVALID } from '../../structures/mmu_page.js';
import type { Checker } from '../checker.js';
import { Ledger } from '../ledger.js';
import { peek, spGfn, spRole, spTable } from '../look.js';

/** Whether a page shadows a guest table and is in use. */
export const isValidTable = (sp: KvmMmuPage): boolean =>
  sp.$freed === null && (spRole(sp) & (ROLE_DIRECT | ROLE_INVALID)) === 0;

export class Tables {
  /** Pages that are unsync, by the frames of their tables. */
  private readonly unsync = new Ledger<KvmMmuPage>();
  /** Valid pages of each guest table. */
  private readonly counted = new Ledger<number>();
  private readonly valid = new Ledger<KvmMmuPage>();
  private readonly listeners: ((sp: KvmMmuPage) => void)[] = [];

  constructor(private readonly c: Checker) {
    c.kvm.observers.tableChanged.push((sp) => this.changed(sp));
  }

  /** Calls back when a page is new, goes unsync, is synced, or is zapped. */
  onChange(f: (sp: KvmMmuPage) => void): void {
    this.listeners.push(f);
  }
  /** Valid pages that shadow a guest frame. */
  of(gfn: number): KvmMmuPage[] {
    const hash = peek(peek(this.c.kvm, 'arch'), 'mmu_page_hash');
    const bucket = hash.$get(gfn % BUCKETS) as readonly KvmMmuPage[];
    return bucket.filter((sp) => spGfn(sp) === gfn && isValidTable(sp));
  }
  /** Those that are in sync: they must agree with the table. */
  syncedOf(gfn: number): KvmMmuPage[] {
    return this.of(gfn).filter((sp) => !peek(sp, 'unsync'));
  }
  /** Whether any page, also one that was zapped, shadows a guest frame. */
  wasTable(gfn: number): boolean {
    const hash = peek(peek(this.c.kvm, 'arch'), 'mmu_page_hash');
    const bucket = hash.$get(gfn % BUCKETS) as readonly KvmMmuPage[];
    return bucket.some((sp) => spGfn(sp) === gfn && (spRole(sp) & ROLE_DIRECT) === 0);
  }
  /** All pages that are unsync. */
  get lagging(): KvmMmuPage[] {
    return this.unsync.keys().map((pfn) => this.unsync.get(pfn) as KvmMmuPage);
  }
  /** How many valid pages there are, and how many of a guest frame. */
  get size(): number {
    return this.valid.size;
  }
  count(gfn: number): number {
    return this.counted.get(gfn) ?? 0;
  }
  /** Guest frames that are shadowed. */
  get shadowed(): number[] {
    return this.counted.keys();
  }

  private changed(sp: KvmMmuPage): void {
    const { pfn } = spTable(sp);
    const lags = peek(sp, 'unsync') && sp.$freed === null;
    this.unsync.put(pfn, lags ? sp : undefined);
    const valid = isValidTable(sp);
    if (valid !== this.valid.has(pfn)) {
      this.valid.put(pfn, valid ? sp : undefined);
      const n = this.count(spGfn(sp)) + (valid ? 1 : -1);
      this.counted.put(spGfn(sp), n === 0 ? undefined : n);
    }
    for (const f of this.listeners) f(sp);
  }
}
