/** Through which guest frames a frame of the host was ever mapped. */
import type { Checker } from './checker.js';
import { Ledger } from './ledger.js';
import type { Leaf } from './look.js';

const NONE: readonly number[] = [];

/** Grows only, so that a page that is mapped again and again costs nothing; who asks looks whether the mapping is still there. */
export class Mappings {
  private readonly gfns = new Ledger<readonly number[]>();

  constructor(private readonly c: Checker) {
    c.sptes.onChange((s) => {
      if (!s.isLeaf || (s.wasLeaf && s.oldPfn === s.pfn)) return;
      const known = this.gfns.get(s.pfn * 4 + s.level) ?? NONE;
      if (!known.includes(s.gfn))
        this.gfns.put(
          s.pfn * 4 + s.level,
          [...known, s.gfn].sort((a, b) => a - b),
        );
    });
  }

  /** Guest frames, as pairs of first frame of the mapping and the frame itself. */
  gfnsOf(pfn: number): readonly number[] {
    const small = this.gfns.get(pfn * 4 + 1) ?? NONE;
    const offset = pfn % 512;
    const large = this.gfns.get((pfn - offset) * 4 + 2);
    return large === undefined ? small : [...new Set([...small, ...large.map((gfn) => gfn + offset)])];
  }

  /** Leaf sptes that map a frame now. */
  leavesOf(pfn: number): Leaf[] {
    const { look } = this.c;
    return this.gfnsOf(pfn).flatMap((gfn) => look.leaves(gfn).filter((l) => l.pfn + gfn - l.gfn === pfn));
  }
}
