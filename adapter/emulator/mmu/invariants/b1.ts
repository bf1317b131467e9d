/** INV-B1: sptes are well-formed. */
import {
  is_large_pte,
  PT_PAGE_TABLE_LEVEL,
  PT_PRESENT_MASK,
  PT_WRITABLE_MASK,
  PT64_ROOT_LEVEL,
} from '../bits.js';
import type { Checker } from './checker.js';
import { spLevel } from './look.js';
import type { Rule } from './rule.js';
import { saySpte, spteBlame } from './say.js';
import type { SpteChange } from './spte_changes.js';

/** Bits 52 to 62 are for software; address bits above what the machine has are reserved. */
const MAXPHYADDR = 48n;
const RESERVED_ADDRESS = ((1n << 52n) - 1n) & ~((1n << MAXPHYADDR) - 1n);
const EPT_MEMORY_TYPES = new Set([0n, 1n, 4n, 5n, 6n]);
/** Bits 3 to 7 of an EPT entry that points to a table are reserved; so is bit 7 of the highest level. */
const EPT_LINK_RESERVED = 0xf8n;

/** What is wrong with an spte; empty for one that is well-formed. */
function malformed({ kvm, look }: Checker, s: SpteChange): string {
  const { bits } = kvm;
  const { value: v, level } = s;
  if (bits.is_empty_spte(v) || bits.is_mmio_spte(v)) return '';
  if ((v & PT_PRESENT_MASK) === 0n && !bits.is_access_track_spte(v))
    return (v & PT_WRITABLE_MASK) !== 0n
      ? 'is writable but not readable'
      : 'is neither present, nor 0, nor a mark for MMIO';
  if ((v & RESERVED_ADDRESS) !== 0n)
    return `has reserved address bits set (the machine has ${MAXPHYADDR} bits)`;
  const leaf = level === PT_PAGE_TABLE_LEVEL || is_large_pte(v);
  if (leaf && level >= PT64_ROOT_LEVEL) return 'is large at a level that has no large pages';
  if (bits.format === 'ept') {
    if (!leaf && (v & EPT_LINK_RESERVED) !== 0n) return 'points to a table and has reserved bits 3 to 7 set';
    const type = (v >> 3n) & 7n;
    if (leaf && !EPT_MEMORY_TYPES.has(type)) return `has memory type ${type}, which does not exist`;
  }
  const owner = look.page(s.pfn * 512);
  if (look.machine.phys.frame(s.pfn) === undefined) return 'points to a frame that does not exist';
  if (leaf && owner !== undefined) return 'maps a shadow page table into the guest';
  if (leaf && level > 1 && s.pfn % s.size !== 0) return 'is large, but its frame is not aligned to its size';
  if (!leaf && (owner === undefined || spLevel(owner) !== level - 1))
    return `does not point to a shadow page of level ${level - 1}`;
  return '';
}

export const B1: Rule = {
  name: 'INV-B1',
  doc: 'Every spte is 0, or marks MMIO, or is well-formed: no reserved bit, a memory type that exists, a frame that exists and is aligned.',
  when: 'step',
  watch: (c) =>
    c.sptes.onChange((s) => {
      const problem = malformed(c, s);
      if (problem !== '')
        c.broken(B1, {
          message: `${saySpte(c.look, s.sptep, s.level, s.gfn)} ${problem}`,
          blame: [spteBlame(c.look, s.sptep)],
        });
    }),
};
