/** The host process that runs the guest: its page table, its frames, its swap. */
import {
  ANY,
  BOOL,
  bool,
  type Cell,
  computed,
  handle,
  INT,
  type Indexed,
  type Instance,
  int,
  KList,
  KObject,
  Lock,
  listOf,
  looked,
  own,
  RwSemaphore,
  struct,
  WHOLE,
} from '../../../machine/index.js';
import type { Kvm } from './kvm.js';
import { hex, part } from './pointer.js';

/** Bits of a host page-table entry; the frame number lies from bit 12 on. Kept as numbers: frames are below 2^40. */
export const _PAGE_PRESENT = 0x1;
export const _PAGE_RW = 0x2;
export const _PAGE_DIRTY = 0x40;
export const _PAGE_PSE = 0x80;

export const pte_present = (pte: number): boolean => pte % 2 === 1;
export const pte_write = (pte: number): boolean => (pte & _PAGE_RW) !== 0;
export const pte_dirty = (pte: number): boolean => (pte & _PAGE_DIRTY) !== 0;
export const pte_huge = (pte: number): boolean => (pte & _PAGE_PSE) !== 0;
export const pte_pfn = (pte: number): number => Math.floor(pte / 4096);
export const mk_pte = (pfn: number, bits: number): number => pfn * 4096 + (bits | _PAGE_PRESENT);

/** `struct page`: a frame of the host that holds a page of the process, or 512 of them when it is huge. */
export const page = struct(
  'page',
  'A page of the host: its frame, and whether it was used and written.',
  {
    pfn: int('First frame.', { show: 'hex', readonly: true }),
    order: int('Number of frames as a power of two: 0, or 9 for a huge page.', { readonly: true }),
    hva: int('Host virtual address for which it was allocated.', { show: 'hex', readonly: true }),
    refcount: int('Users. A page with more than one is copied when its owner writes to it.', { initial: 1 }),
    PageDirty: bool('It was written since it was last written back.'),
    PageAccessed: bool('It was used since it was last aged.'),
    freed: bool('It was given back to the host.', { readonly: true }),
  },
  (p: Page): string =>
    `page pfn ${hex(p.pfn)}${p.order > 0 ? ' huge' : ''}${p.PageDirty ? ' dirty' : ''}${p.PageAccessed ? ' accessed' : ''}${p.freed ? ' freed' : ''}`,
);
export interface Page extends Instance<typeof page> {}

const wordOf = (e: HostPte): number => e.was ?? (e.table.$look(e.hva / 4096) as number);

/** A host page-table entry as it is shown. */
export const host_pte = struct(
  'host_pte',
  'An entry of the page table of the process that runs the guest, as it is now.',
  {
    hva: int('Host virtual address.', { show: 'hex', readonly: true }),
    present: computed<HostPte, boolean>(BOOL, 'The page is in memory.', (e): boolean =>
      pte_present(wordOf(e)),
    ),
    writable: computed<HostPte, boolean>(BOOL, 'The process may write to it.', (e): boolean =>
      pte_write(wordOf(e)),
    ),
    huge: computed<HostPte, boolean>(BOOL, 'It is part of a mapping of 2 MiB.', (e): boolean =>
      pte_huge(wordOf(e)),
    ),
    dirty: computed<HostPte, boolean>(BOOL, 'The process itself has written through it.', (e): boolean =>
      pte_dirty(wordOf(e)),
    ),
    pfn: computed<HostPte, number>(
      INT,
      'Frame of the host that the entry points to.',
      (e): number => pte_pfn(wordOf(e)),
      {
        show: 'hex',
      },
    ),
  },
  (e: HostPte): string =>
    e.present
      ? `hva ${hex(e.hva)} -> pfn ${hex(e.pfn)}${e.writable ? ' W' : ''}${e.huge ? ' huge' : ''}`
      : `hva ${hex(e.hva)} not present`,
);
export interface HostPte extends Instance<typeof host_pte> {
  table: HostPageTable;
  /** The word, where the view is of what was there once. */
  was?: number;
  readonly $key: number;
}

/** The page table of the process: slot n is the word for the page at `n * 4096`; 0 when it is not mapped. */
export class HostPageTable extends KObject implements Indexed {
  [vpn: number]: number;
  private readonly ptes = new Map<number, number>();
  private sorted: number[] | null = null;
  /** Hears of every entry that is written; set at boot. */
  hook: ((vpn: number, old: number, pte: number) => void) | null = null;

  get $name() {
    return 'host_page_table';
  }
  override $store(vpn: number, pte: unknown): void {
    const old = this.$get(vpn);
    super.$store(vpn, pte);
    if (this.hook !== null) this.hook(vpn, old, pte as number);
  }
  /** Pages that are mapped, ascending. */
  private mapped(): number[] {
    this.sorted ??= [...this.ptes.keys()].sort((a, b) => a - b);
    return this.sorted;
  }
  /** The entry of a page, for looking at. */
  view(vpn: number): HostPte {
    return Object.assign(new host_pte({ hva: vpn * 4096 }) as HostPte, { table: this, $key: vpn });
  }
  get length(): number {
    looked(this, WHOLE);
    return this.ptes.size;
  }
  element(i: number): unknown {
    looked(this, WHOLE);
    return this.view(this.mapped()[i] as number);
  }
  cellOf(i: number): Cell {
    return { obj: this, slot: this.mapped()[i] as number };
  }
  seenAs(i: number, raw: unknown): unknown {
    return Object.assign(this.view(this.mapped()[i] as number), { was: raw as number });
  }
  $get(slot: number): number {
    return this.ptes.get(slot) ?? 0;
  }
  $set(slot: number, value: unknown): void {
    const had = this.ptes.size;
    if (value === 0) this.ptes.delete(slot);
    else this.ptes.set(slot, value as number);
    if (this.ptes.size !== had) this.sorted = null;
  }
  override $text(_slot: number, pte: unknown): string {
    return pte === 0 ? '0' : hex(pte as number);
  }
  $slotName(slot: number) {
    return `hva ${hex(slot * 4096)}`;
  }
}

/** What swap holds of a page: the words that are not zero. */
export type SwapEntry = readonly (readonly [index: number, word: bigint])[];

/** A sparse table of kernel memory from numbers to immutable values. */
export class Table<T> extends KObject {
  private readonly values = new Map<number, T>();
  constructor(private readonly what: string) {
    super();
  }
  get $name() {
    return this.what;
  }
  get(i: number): T | undefined {
    return this.$load(i) as T | undefined;
  }
  put(i: number, value: T | undefined): void {
    this.$store(i, value);
  }
  keys(): number[] {
    return [...this.values.keys()].sort((a, b) => a - b);
  }
  $get(slot: number): unknown {
    return this.values.get(slot);
  }
  $set(slot: number, value: unknown): void {
    if (value === undefined) this.values.delete(slot);
    else this.values.set(slot, value as T);
  }
  $slotName(slot: number) {
    return `[${hex(slot)}]`;
  }
}

/** `struct vm_area_struct`: a range of the process's memory. */
export const vm_area_struct = struct(
  'vm_area_struct',
  'A range of host virtual memory behind guest memory.',
  {
    vm_start: int('First address.', { show: 'hex', readonly: true }),
    vm_end: int('First address after it.', { show: 'hex', readonly: true }),
    huge: bool('Faults map 2 MiB where they can (transparent huge pages).', { readonly: true }),
    hugetlb: bool('It consists of huge pages only (hugetlbfs).', { readonly: true }),
    cow: bool('Pages are first mapped read-only, and made writable by the first write of the process.', {
      readonly: true,
    }),
  },
  (v: VmAreaStruct): string =>
    `${hex(v.vm_start)}..${hex(v.vm_end)}${v.huge || v.hugetlb ? ' huge' : ''}${v.cow ? ' read-only at first' : ''}`,
);
export interface VmAreaStruct extends Instance<typeof vm_area_struct> {}

/** `struct mm_struct` of the process, with what the rest of the host does for it. */
export const mm_struct = struct(
  'mm_struct',
  'The memory of the process that runs the guest.',
  {
    task_size: int('Size of the memory that the process can map, in bytes.', { show: 'hex', readonly: true }),
    mmap_sem: own(
      { kind: 'lock' },
      'Protects the areas. Held for reading while a page is faulted in, and for writing by who changes areas.',
      () => new RwSemaphore('mmap_sem', 'mm->mmap_sem'),
    ),
    page_table_lock: own(
      { kind: 'lock' },
      'Protects entries of the page table; the kernel calls it ptl.',
      () => new Lock('ptl', 'spinlock', 'mm->page_table_lock'),
    ),
    mmap: own(listOf(handle('vm_area_struct')), 'The areas.', () => new KList<VmAreaStruct>()),
    pgd: own(
      listOf(handle('host_pte')),
      'The page table: only pages that are mapped are listed.',
      () => new HostPageTable(),
    ),
    mem_map: part<Table<Page>>(ANY, 'Pages by their frame number.'),
    swap: part<Table<SwapEntry>>(ANY, 'Contents that were written to swap, by page number.'),
  },
  (m: MmStruct): string => `${m.pgd.length} pages mapped`,
);
export interface MmStruct extends Instance<typeof mm_struct> {
  /** The virtual machine whose memory it is. */
  kvm: Kvm;
}

/** The `struct page` of a frame; a frame of a huge page has that of the first. */
export function pfn_to_page(mm: MmStruct, pfn: number): Page | undefined {
  return mm.mem_map.get(pfn) ?? mm.mem_map.get(pfn - (pfn % 512));
}
