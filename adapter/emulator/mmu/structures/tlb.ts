/** Translation look-aside buffers: what a CPU goes on believing about a page until a flush covers it. */
import {
  bool,
  type Cell,
  type Indexed,
  type Instance,
  int,
  KObject,
  looked,
  machine,
  struct,
  WHOLE,
} from '../../../machine/index.js';
import { address, hex } from './pointer.js';

/** One cached translation. Entries are reused: one that is not in a TLB any more says `cached: false`. */
export const tlb_entry = struct(
  'tlb_entry',
  'A translation that a vCPU has cached: valid until a flush covers it, however the spte changes meanwhile.',
  {
    vcpu: int('Number of the vCPU whose TLB it is in.', { readonly: true }),
    vpn: int(
      'Number of the first page that it translates: of a virtual address where the guest has page tables of its own, otherwise the same as `gfn`.',
      { show: 'hex', readonly: true },
    ),
    gfn: int('First guest frame that it translates to.', { show: 'hex' }),
    level: int('Size of the page: 1 is 4 KiB, 2 is 2 MiB.', { readonly: true }),
    guest_level: int(
      'Size of the page in the tables of the guest, where the hardware walks those and then the tables of KVM; otherwise 0.',
    ),
    pfn: int('Frame of the host for `gfn`.', { show: 'hex' }),
    writable: bool('Stores are allowed.'),
    user: bool('User code may use it.', { initial: true }),
    executable: bool('Instructions may be fetched.'),
    accessed: bool('The A bit of the spte was set when it was cached.'),
    dirty: bool('The D bit was set: a store through it does not look at the spte again.'),
    sptep: int('The leaf spte from which it was filled.', { show: address, words: true }),
    cached: bool('Whether it is in the TLB.'),
  },
  (e: TlbEntry): string =>
    `vcpu ${e.vcpu} ${e.vpn === e.gfn ? '' : `va ${hex(e.vpn * 4096)} `}gfn ${hex(e.gfn)}${e.level > 1 ? ` level ${e.level}` : ''} -> pfn ${hex(e.pfn)} R${e.writable ? 'W' : ''}${e.executable ? 'X' : ''}${e.user ? '' : ' supervisor'}${
      e.dirty ? ' D' : ''
    }${e.cached ? '' : ' (not cached)'}`,
);
export interface TlbEntry extends Instance<typeof tlb_entry> {}

const CACHED = tlb_entry.slot('cached');
/** Entries of level `n` are kept under `vpn * 4 + n`. */
export const tlbKey = (vpn: number, level: number): number => vpn * 4 + level;

/** The TLB of one vCPU. It survives exits (VPID, ASID). Holds pages of 4 KiB and 2 MiB. */
export class Tlb extends KObject implements Indexed {
  private readonly entries = new Map<number, TlbEntry>();
  /** Entries that were cached once, by the same key: they are used again, so that a page always has the same entry. */
  private readonly known = new Map<number, TlbEntry>();
  private sorted: TlbEntry[] | null = null;

  constructor(readonly vcpu_id: number) {
    super();
  }
  get $name() {
    return 'tlb';
  }

  /** The entry that translates a page, or undefined. */
  lookup(vpn: number): TlbEntry | undefined {
    if (machine.watcher !== null) machine.watcher.touched(this, tlbKey(vpn, 1), false);
    return (
      this.entries.get(vpn * 4 + 1) ??
      (this.large > 0 ? this.entries.get(tlbKey(vpn - (vpn % 512), 2)) : undefined)
    );
  }
  private large = 0;

  /** Takes the (not yet cached) entry for a page, to be filled in and then passed to `insert`. */
  entryFor(vpn: number, level: number): TlbEntry {
    const key = tlbKey(vpn, level);
    let e = this.known.get(key);
    if (e === undefined) {
      e = new tlb_entry({ vcpu: this.vcpu_id, vpn, gfn: vpn, level }) as TlbEntry;
      this.known.set(key, e);
    }
    return e;
  }

  /** Caches an entry. */
  insert(e: TlbEntry): void {
    e.cached = true;
    this.$store(tlbKey(e.vpn, e.level), e);
  }

  /** Drops one entry. */
  remove(e: TlbEntry): void {
    e.cached = false;
    this.$store(tlbKey(e.vpn, e.level), undefined);
  }

  /** Drops everything. */
  flush(): void {
    for (const e of this.all()) this.remove(e);
  }

  /** All entries, by page. The array is not to be changed, and is a new one after every change of the TLB. */
  all(): readonly TlbEntry[] {
    looked(this, WHOLE);
    this.sorted ??= [...this.entries.entries()].sort((a, b) => a[0] - b[0]).map(([, e]) => e);
    return this.sorted;
  }

  get size(): number {
    looked(this, WHOLE);
    return this.entries.size;
  }
  get length(): number {
    looked(this, WHOLE);
    return this.entries.size;
  }
  element(i: number): unknown {
    return this.all()[i];
  }
  cellOf(i: number): Cell {
    const { vpn, level } = this.all()[i] as TlbEntry;
    return { obj: this, slot: tlbKey(vpn, level) };
  }
  $get(slot: number): unknown {
    return this.entries.get(slot);
  }
  $set(slot: number, value: unknown): void {
    this.sorted = null;
    const had = this.entries.has(slot);
    if (value === undefined) this.entries.delete(slot);
    else this.entries.set(slot, value as TlbEntry);
    if (slot % 4 > 1 && had !== (value !== undefined)) this.large += had ? -1 : 1;
  }
  $slotName(slot: number) {
    return `gfn ${hex(Math.floor(slot / 4))}`;
  }
  /** The number of the slot that says whether an entry is cached. */
  static readonly CACHED = CACHED;
}
