/** Shadow pages and what hangs on them. */
import {
  absent,
  type Bitmap,
  BOOL,
  bool,
  computed,
  handle,
  INT,
  type Instance,
  int,
  KArray,
  type KList,
  listOf,
  struct,
} from '../../../machine/index.js';
import { address, hex, part } from './pointer.js';
import type { Spt } from './spt.js';

/** Bits of the role word (specification, section 3). */
export const ROLE_LEVEL = 0xf;
export const ROLE_CR4_PAE = 1 << 4;
export const ROLE_QUADRANT_SHIFT = 5;
export const ROLE_QUADRANT = 3 << ROLE_QUADRANT_SHIFT;
export const ROLE_DIRECT = 1 << 13;
export const ROLE_ACCESS_SHIFT = 14;
export const ROLE_ACCESS = 7 << ROLE_ACCESS_SHIFT;
export const ROLE_INVALID = 1 << 17;
export const ROLE_NXE = 1 << 18;
export const ROLE_CR0_WP = 1 << 19;
export const ROLE_SMEP_ANDNOT_WP = 1 << 20;
/** Rights in the role word. */
export const ACC_EXEC_MASK = 1;
export const ACC_WRITE_MASK = 2;
export const ACC_USER_MASK = 4;
export const ACC_ALL = 7;

const letters = ['---', '--x', 'w--', 'w-x', '-u-', '-ux', 'wu-', 'wux'];

/** The head of a chain of sptes in one line. */
export const chain = (v: unknown): string =>
  typeof v === 'object' && v !== null ? `chain of ${chained(v as PteListDesc)}` : address(v);

function chained(head: PteListDesc): number {
  let n = 0;
  for (let d: PteListDesc | null = head; d !== null; d = d.$get(MORE()) as PteListDesc | null) {
    const sptes = d.$get(SPTES()) as SptePointers;
    for (let i = 0; i < SptePointers.LENGTH; i++) if (sptes.$get(i) !== 0) n++;
  }
  return n;
}
const MORE = () => pte_list_desc.slot('more');
const SPTES = () => pte_list_desc.slot('sptes');

/** A role word in the form of the kernel's trace, without the trailing counters. */
export const roleText = (role: number): string =>
  `${role & ROLE_LEVEL}${role & ROLE_CR4_PAE ? ' pae' : ''} q${(role & ROLE_QUADRANT) >> ROLE_QUADRANT_SHIFT}${role & ROLE_DIRECT ? ' direct' : ''} ${letters[(role >> ROLE_ACCESS_SHIFT) & 7]}${
    role & ROLE_INVALID ? ' invalid' : ''
  } ${role & ROLE_NXE ? '' : '!'}nxe`;

/** The sptes of a node, by their word addresses; people see the byte addresses. */
export class SptePointers extends KArray<number> {
  /** Pointers in a node. */
  static readonly LENGTH = 3;

  constructor() {
    super(SptePointers.LENGTH, 0);
  }
  override element(i: number): unknown {
    return this.seenAs(i, this.$look(i));
  }
  override seenAs(_i: number, raw: unknown): unknown {
    return (raw as number) * 8;
  }
  override $text(_slot: number, raw: unknown): string {
    return address(this.seenAs(0, raw));
  }
  keptAs(_i: number, given: unknown): unknown {
    return Math.floor((given as number) / 8);
  }
}

/** `struct pte_list_desc`: a node of a chain. */
export const pte_list_desc = struct(
  'pte_list_desc',
  'A node of a reverse-map or parent chain: up to three sptes, and the next node.',
  {
    sptes: part<SptePointers>(listOf(INT), 'Addresses of sptes; none where there is none.', {
      show: address,
      guard: 'mmu_lock',
    }),
    more: part<PteListDesc | null>(handle('pte_list_desc'), 'The next node.', {
      guard: 'mmu_lock',
      readonly: false,
    }),
  },
  (d: PteListDesc): string => `${d.sptes.length} sptes${d.more === null ? '' : ', more'}`,
);
export interface PteListDesc extends Instance<typeof pte_list_desc> {}

/** `enum kvm_page_flags` of the first patches about unsync pages. */
const PAGE_FLAGS = { KVM_PG_global: 1n << 0n, KVM_PG_unsync: 1n << 1n, KVM_PG_inuse: 1n << 2n };

/** What only the first patches about unsync pages keep, and they only of pages that belong to one root. */
const ofOneRoot = {
  guard: 'mmu_lock',
  ...absent<KvmMmuPage>(
    (p): boolean => p.root_gfn === -1 && p.unsync_pages === null && !p.global && !p.inuse,
  ),
};

/** `struct kvm_mmu_page`. */
export const kvm_mmu_page = struct(
  'kvm_mmu_page',
  'A shadow page: a table of 512 sptes that the hardware walks, with its bookkeeping.',
  {
    gfn: int('First guest frame that the page maps; of an indirect page the frame of the guest table.', {
      show: 'hex',
      guard: 'mmu_lock',
    }),
    role: int(
      'The word that identifies the page together with gfn: level, quadrant, direct, access, invalid.',
      {
        show: (v) => roleText(v as number),
        guard: 'mmu_lock',
      },
    ),
    level: computed<KvmMmuPage, number>(
      INT,
      'Level of the table: 1 maps pages of 4 KiB, 4 is the root.',
      (p): number => p.role & ROLE_LEVEL,
    ),
    direct: computed<KvmMmuPage, boolean>(
      BOOL,
      'Maps a linear range of guest frames; shadows no guest table.',
      (p): boolean => (p.role & ROLE_DIRECT) !== 0,
    ),
    invalid: computed<KvmMmuPage, boolean>(
      BOOL,
      'The page was zapped and must not be used any more.',
      (p): boolean => (p.role & ROLE_INVALID) !== 0,
    ),
    access: computed<KvmMmuPage, number>(
      INT,
      'Rights that all that the page maps has at most: EXEC 1, WRITE 2, USER 4.',
      (p): number => (p.role & ROLE_ACCESS) >> ROLE_ACCESS_SHIFT,
    ),
    quadrant: computed<KvmMmuPage, number>(
      INT,
      'Which part of a table of a 32-bit guest the page shadows.',
      (p): number => (p.role & ROLE_QUADRANT) >> ROLE_QUADRANT_SHIFT,
    ),
    spt: part<Spt>(listOf(handle('spte')), 'The table itself.', { guard: 'racy' }),
    gfns: part<KArray<number> | null>(
      listOf(INT),
      'Guest frames that the entries of an indirect page map; a direct page has none.',
      { show: 'hex', guard: 'mmu_lock' },
    ),
    unsync: bool('The guest may write to its table: the page may lag behind, as a TLB may.', {
      guard: 'mmu_lock',
    }),
    unsync_children: int('Entries below which there is a page that is unsync.', { guard: 'mmu_lock' }),
    unsync_child_bitmap: part<Bitmap | null>({ kind: 'bitmap' }, 'Which entries those are.', {
      guard: 'mmu_lock',
    }),
    global: bool(
      'The guest flushes what the page maps only with all of its TLB: every entry installed so far is global. Only `oos: rfc` and `oos: global-list` set it.',
      ofOneRoot,
    ),
    inuse: bool('A nested sync must not free the page. Only `oos: rfc` sets it.', ofOneRoot),
    flags: computed<KvmMmuPage, bigint>(
      { kind: 'flags', bits: PAGE_FLAGS },
      'What the first patches about unsync pages keep in one word.',
      (p): bigint =>
        (p.global ? PAGE_FLAGS.KVM_PG_global : 0n) |
        (p.unsync ? PAGE_FLAGS.KVM_PG_unsync : 0n) |
        (p.inuse ? PAGE_FLAGS.KVM_PG_inuse : 0n),
      ofOneRoot,
    ),
    root_gfn: int(
      'Guest frame of the root through which the page was first reached; -1 where that is not known, or it has several. Only `oos: rfc` keeps it.',
      { ...ofOneRoot, initial: -1, show: 'hex' },
    ),
    unsync_pages: part<KList<KvmMmuPage> | null>(
      listOf(handle('kvm_mmu_page')),
      'Of a root: the unsync pages that belong to it. Only `oos: rfc` has such a list.',
      ofOneRoot,
    ),
    write_flooding_count: int('Emulated stores to the guest table since it was last used.', {
      guard: 'mmu_lock',
    }),
    root_count: int('How many root registers point to the page; it is not freed before that is 0.', {
      guard: 'mmu_lock',
    }),
    parent_ptes: part<unknown>(
      INT,
      'The sptes that point to this table: none, the address of one, or a chain.',
      {
        initial: 0,
        show: chain,
        words: true,
        guard: 'mmu_lock',
      },
    ),
    multimapped: computed<KvmMmuPage, boolean>(
      BOOL,
      'More than one entry has pointed to the page, since the last time that none did.',
      (p): boolean => typeof p.parent_ptes === 'object',
      ofOneRoot,
    ),
    slot_bitmap: part<bigint>(INT, 'Bit n: the table has had an spte for a frame of slot n.', {
      initial: 0n,
      show: 'hex',
      guard: 'mmu_lock',
      readonly: false,
    }),
  },
  (p: KvmMmuPage): string => `gfn ${hex(p.gfn)} level ${roleText(p.role)} root ${p.root_count}`,
);
export interface KvmMmuPage extends Instance<typeof kvm_mmu_page> {}

const ROLE = kvm_mmu_page.slot('role');
const GFN = kvm_mmu_page.slot('gfn');
const GFNS = kvm_mmu_page.slot('gfns');

/** The guest frame that entry `index` of a page maps, for those who look: no access of the kernel's. */
export function gfn_at(sp: KvmMmuPage, index: number): number {
  const gfns = sp.$get(GFNS) as KArray<number> | null;
  if (gfns !== null) return gfns.$get(index) as number;
  return (sp.$get(GFN) as number) + index * 2 ** (9 * (((sp.$get(ROLE) as number) & ROLE_LEVEL) - 1));
}
