/** What a write did to an spte, worked out once for all rules. */
import { KVM_PAGES_PER_HPAGE, PT_WRITABLE_MASK, spte_to_pfn } from '../bits.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { gfnAt, type Look, spGfn, spIndirect, spLevel } from './look.js';

/** A change of more than the A and D bits. The object is used again for the next one. */
export interface SpteChange {
  readonly sp: KvmMmuPage;
  readonly sptep: number;
  readonly level: number;
  /** First guest frame, and number of frames, that the entry is for. */
  readonly gfn: number;
  readonly size: number;
  readonly old: bigint;
  readonly value: bigint;
  readonly wasLeaf: boolean;
  readonly isLeaf: boolean;
  readonly wasLink: boolean;
  readonly isLink: boolean;
  readonly oldPfn: number;
  readonly pfn: number;
  /** A leaf with W. */
  readonly wasWritable: boolean;
  readonly isWritable: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class SpteChanges {
  private readonly listeners: ((s: SpteChange) => void)[] = [];
  private readonly bitListeners: ((sptep: number, old: bigint, value: bigint) => void)[] = [];
  private readonly ad: bigint;
  private readonly change = {} as Mutable<SpteChange>;

  constructor(private readonly look: Look) {
    const { bits, observers } = look.kvm;
    this.ad = bits.shadow_accessed_mask | bits.shadow_dirty_mask;
    observers.spteWritten.push((sp, sptep, old, value) => this.written(sp, sptep, old, value));
  }

  /** Calls back when an entry maps something else, or with other rights. */
  onChange(f: (s: SpteChange) => void): void {
    this.listeners.push(f);
  }
  /** Calls back whenever an A or D bit may have changed. */
  onBits(f: (sptep: number, old: bigint, value: bigint) => void): void {
    this.bitListeners.push(f);
  }

  private written(sp: KvmMmuPage, sptep: number, old: bigint, value: bigint): void {
    const differing = old ^ value;
    if (differing === 0n) return;
    if ((differing & ~this.ad) !== 0n) {
      this.describe(sp, sptep, old, value);
      for (const f of this.listeners) f(this.change);
    }
    for (const f of this.bitListeners) f(sptep, old, value);
  }

  private describe(sp: KvmMmuPage, sptep: number, old: bigint, value: bigint): void {
    const { look, change: s } = this;
    s.sp = sp;
    s.sptep = sptep;
    s.level = spLevel(sp);
    s.size = KVM_PAGES_PER_HPAGE(s.level);
    s.old = old;
    s.value = value;
    s.wasLeaf = look.isLeaf(old, s.level);
    s.isLeaf = look.isLeaf(value, s.level);
    s.wasLink = !s.wasLeaf && look.isLink(old, s.level);
    s.isLink = !s.isLeaf && look.isLink(value, s.level);
    s.oldPfn = s.wasLeaf || s.wasLink ? spte_to_pfn(old) : -1;
    s.pfn = s.isLeaf || s.isLink ? spte_to_pfn(value) : -1;
    s.wasWritable = s.wasLeaf && (old & PT_WRITABLE_MASK) !== 0n;
    s.isWritable = s.isLeaf && (value & PT_WRITABLE_MASK) !== 0n;
    if (!spIndirect(sp)) s.gfn = spGfn(sp) + (sptep % 512) * s.size;
    else {
      // The kernel notes what an entry of an indirect page maps only after it has written it.
      s.gfn = s.isLeaf
        ? look.gfnOfLeaf(sptep, s.pfn)
        : s.wasLeaf
          ? look.gfnOfLeaf(sptep, s.oldPfn)
          : gfnAt(sp, sptep);
      if (s.isLeaf) look.noteIndirect(sptep, s.level, s.gfn);
    }
  }
}
