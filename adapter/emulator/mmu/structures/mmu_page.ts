/** Shadow pages and what hangs on them. */
import {
  BOOL,
  computed,
  handle,
  INT,
  type Instance,
  int,
  KArray,
  listOf,
  struct,
} from '../../../machine/index.js';
import { address, hex, part } from './pointer.js';
import type { Spt } from './spt.js';

/** Bits of the role word (specification, section 3). */
export const ROLE_LEVEL = 0xf;
export const ROLE_DIRECT = 1 << 13;
export const ROLE_ACCESS_SHIFT = 14;
export const ROLE_INVALID = 1 << 17;
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
  `${role & ROLE_LEVEL} q${(role >> 5) & 3}${role & ROLE_DIRECT ? ' direct' : ''} ${letters[(role >> ROLE_ACCESS_SHIFT) & 7]}${
    role & ROLE_INVALID ? ' invalid' : ''
  } ${role & (1 << 18) ? '' : '!'}nxe`;

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

/** `struct kvm_mmu_page`. */
export const kvm_mmu_page = struct(
  'kvm_mmu_page',
  'A shadow page: a table of 512 sptes that the hardware walks, with its bookkeeping.',
  {
    gfn: int('First guest frame that the page maps.', { show: 'hex', guard: 'mmu_lock' }),
    role: int('The word that identifies the page together with gfn: level, direct, access, invalid.', {
      show: (v) => roleText(v as number),
      guard: 'mmu_lock',
    }),
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
    spt: part<Spt>(listOf(handle('spte')), 'The table itself.', { guard: 'racy' }),
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
