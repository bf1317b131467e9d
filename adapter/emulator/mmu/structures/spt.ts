/** The 512 entries of a shadow page, and one entry as a thing that can be looked at. */
import {
  BOOL,
  type Cell,
  computed,
  handle,
  INT,
  type Indexed,
  type Instance,
  int,
  KObject,
  machine,
  struct,
  WORDS,
} from '../../../machine/index.js';
import {
  is_large_pte,
  PT_WRITABLE_MASK,
  PT64_BASE_ADDR_MASK,
  pfn_to_pte,
  type SpteBits,
  spte_to_pfn,
} from '../bits.js';
import { type KvmMmuPage, kvm_mmu_page } from './mmu_page.js';
import { address, hex } from './pointer.js';

/** The shadow page that a word of physical memory belongs to. */
export const page_header = (sptep: number): KvmMmuPage =>
  machine.phys.frameOf(sptep)?.owner as unknown as KvmMmuPage;

const pageOf = (s: Spte): KvmMmuPage | null => (s.sptep < 0 ? null : page_header(s.sptep));
const wordOf = (s: Spte): bigint => s.was ?? (s.sptep < 0 ? 0n : machine.phys.$look(s.sptep));
const store = (s: Spte, word: bigint): void => {
  if (s.sptep >= 0) machine.phys.$store(s.sptep, word);
};
const bit = (doc: string, test: (bits: SpteBits, v: bigint) => boolean) =>
  computed<Spte, boolean>(BOOL, doc, (s): boolean => test(s.bits, wordOf(s)));
/** The same for what stands for bits of the word; it can be set. */
const flag = (doc: string, mask: (bits: SpteBits) => bigint) =>
  computed<Spte, boolean>(BOOL, doc, (s): boolean => (wordOf(s) & mask(s.bits)) !== 0n, {
    initial: false,
    assign: (s, on): void => store(s, on ? wordOf(s) | mask(s.bits) : wordOf(s) & ~mask(s.bits)),
  });

/** One entry of a shadow page, by where it lies. Reading its fields is not an access of the kernel's. */
export const spte = struct(
  'spte',
  'An entry of a shadow page table, as it is now.',
  {
    sptep: int('Where the entry lies in physical memory.', { show: address, words: true, readonly: true }),
    value: computed<Spte, bigint>(INT, 'The 64-bit word. It can be set.', (s): bigint => wordOf(s), {
      show: 'hex',
      initial: 0n,
      assign: (s, v): void => store(s, v),
      cell: (s): Cell | undefined => (s.sptep < 0 ? undefined : { obj: machine.phys, slot: s.sptep }),
    }),
    present: bit('The hardware can go through it.', (b, v) => b.is_shadow_present_pte(v)),
    mmio: bit('It marks an address that no memory slot has.', (b, v) => b.is_mmio_spte(v)),
    writable: flag('The W bit: the hardware may store.', () => PT_WRITABLE_MASK),
    executable: computed<Spte, boolean>(
      BOOL,
      'The hardware may fetch instructions.',
      (s): boolean => s.bits.executable(wordOf(s)),
      {
        initial: false,
        assign: (s, on): void => {
          const { shadow_x_mask, shadow_nx_mask } = s.bits;
          const rest = wordOf(s) & ~(shadow_x_mask | shadow_nx_mask);
          store(s, rest | (on ? shadow_x_mask : shadow_nx_mask));
        },
      },
    ),
    accessed: flag('The A bit: the hardware has used it.', (b) => b.shadow_accessed_mask),
    dirty: flag('The D bit: the hardware has stored through it.', (b) => b.shadow_dirty_mask),
    host_writeable: flag(
      'SPTE_HOST_WRITEABLE: the host lets KVM map the frame writable.',
      (b) => b.SPTE_HOST_WRITEABLE,
    ),
    mmu_writeable: flag(
      'SPTE_MMU_WRITEABLE: the frame is no shadowed page table, so W may come back.',
      (b) => b.SPTE_MMU_WRITEABLE,
    ),
    large: computed<Spte, boolean>(
      BOOL,
      'It maps a large page itself, above level 1.',
      (s): boolean => levelOf(s) > 1 && is_large_pte(wordOf(s)),
    ),
    level: computed<Spte, number>(INT, 'Level of the table that it is in.', (s): number => levelOf(s)),
    gfn: computed<Spte, number>(INT, 'First guest frame that it is for.', (s): number => gfnOf(s), {
      show: 'hex',
    }),
    pfn: computed<Spte, number>(
      INT,
      'Frame of the host that it points to.',
      (s): number => spte_to_pfn(wordOf(s)),
      {
        show: 'hex',
        initial: 0,
        assign: (s, pfn): void => store(s, (wordOf(s) & ~PT64_BASE_ADDR_MASK) | pfn_to_pte(pfn)),
      },
    ),
    sp: computed<Spte, KvmMmuPage | null>(
      handle('kvm_mmu_page'),
      'The shadow page that it is in.',
      (s): KvmMmuPage | null => pageOf(s),
    ),
    child: computed<Spte, KvmMmuPage | null>(
      handle('kvm_mmu_page'),
      'The shadow page that it points to, if it is not a leaf.',
      (s): KvmMmuPage | null => childOf(s),
    ),
  },
  (s: Spte): string => spteText(wordOf(s), s.bits, levelOf(s), gfnOf(s)),
);
export interface Spte extends Instance<typeof spte> {
  /** The layout of the word. */
  bits: SpteBits;
  /** The word, where the view is of what was there once. */
  was?: bigint;
  /** Two views of the same place are the same thing. */
  readonly $key: number;
}

const levelOf = (s: Spte): number => pageOf(s)?.level ?? 0;
const gfnOf = (s: Spte): number => {
  const sp = pageOf(s);
  if (sp === null) return 0;
  if (sp.gfns !== null) return sp.gfns.$look(s.sptep % WORDS) as number;
  return sp.gfn + (s.sptep % WORDS) * 2 ** (9 * (sp.level - 1));
};
const childOf = (s: Spte): KvmMmuPage | null => {
  const v = wordOf(s);
  if (levelOf(s) < 2 || !s.bits.is_shadow_present_pte(v) || is_large_pte(v)) return null;
  const owner = machine.phys.frame(spte_to_pfn(v))?.owner ?? null;
  return owner instanceof kvm_mmu_page ? (owner as unknown as KvmMmuPage) : null;
};

Object.defineProperty(spte.prototype, '$place', {
  get(this: Spte) {
    if (this.sptep < 0) return undefined;
    return {
      cell: { obj: machine.phys, slot: this.sptep },
      past: (raw: unknown) => Object.assign(viewOf(this.bits, this.sptep), { was: raw as bigint }),
    };
  },
});

/** A view of the entry at a word address; -1 stands for one that does not exist and reads as 0. */
export function viewOf(bits: SpteBits, sptep: number): Spte {
  const v = new spte({ sptep }) as Spte;
  return Object.assign(v, { bits, $key: sptep });
}

/** An spte in one line: the word, its bits by name, and what it maps to. */
export function spteText(v: bigint, bits: SpteBits, level: number, gfn: number): string {
  if (v === 0n && !bits.bypass_guest_pf) return '0';
  if (bits.is_empty_spte(v)) return `${hex(v)} ${bits.names(v).join(' ')}`;
  if (bits.is_mmio_spte(v)) return `${hex(v)} mmio gfn ${hex(gfn)}`;
  const names = bits.names(v).join(' ');
  const leaf = level <= 1 || is_large_pte(v);
  return `${hex(v)} ${names} -> ${leaf ? 'pfn' : 'table'} ${hex(spte_to_pfn(v))} gfn ${hex(gfn)}`;
}

/** The table of a shadow page: what is shown of its 512 words. */
export class Spt extends KObject implements Indexed {
  private readonly views: Spte[] = [];

  /** @param pfn the frame that the table lies in; @param length number of its entries */
  constructor(
    readonly pfn: number,
    readonly bits: SpteBits,
    readonly length = WORDS,
  ) {
    super();
  }
  get $name() {
    return 'spt';
  }
  /** Word address of entry `i`. */
  at(i: number): number {
    return this.pfn * WORDS + i;
  }
  element(i: number): unknown {
    this.views[i] ??= viewOf(this.bits, this.at(i));
    return this.views[i];
  }
  cellOf(i: number): Cell {
    return { obj: machine.phys, slot: this.at(i) };
  }
  seenAs(i: number, raw: unknown): unknown {
    return Object.assign(viewOf(this.bits, this.at(i)), { was: raw as bigint });
  }
  occupied(i: number): boolean {
    return !this.bits.is_empty_spte(machine.phys.$get(this.at(i)));
  }
  $get(slot: number): unknown {
    return machine.phys.$get(this.at(slot));
  }
  $set(slot: number, value: unknown): void {
    machine.phys.$set(this.at(slot), value);
  }
  $slotName(slot: number) {
    return `[${slot}]`;
  }
}
