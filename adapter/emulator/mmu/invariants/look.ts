/**
 * Looking at kernel memory without being an access of the kernel's: no footprint sees it, and freed objects can be looked at.
 */
import type { KArray, KObject, Machine } from '../../../machine/index.js';
import {
  is_large_pte,
  KVM_PAGES_PER_HPAGE,
  PT_PAGE_TABLE_LEVEL,
  PT32E_ROOT_LEVEL,
  spte_to_pfn,
} from '../bits.js';
import { type Cpu, cpu } from '../structures/cpu.js';
import type { HashTable } from '../structures/hash_table.js';
import { type MmStruct, mm_struct, type Page, page, pte_present } from '../structures/host.js';
import { type Kvm, kvm_arch, kvm_struct } from '../structures/kvm.js';
import {
  type KvmMemorySlot,
  type KvmMemslots,
  kvm_lpage_info,
  kvm_memory_slot,
  kvm_memslots,
} from '../structures/memslot.js';
import { gfn_at, type KvmMmuPage, kvm_mmu_page, ROLE_DIRECT, ROLE_LEVEL } from '../structures/mmu_page.js';
import type { Spt } from '../structures/spt.js';
import { type Tlb, type TlbEntry, tlb_entry, tlbKey } from '../structures/tlb.js';
import { type KvmVcpu, kvm_mmu, kvm_vcpu, kvm_vcpu_arch } from '../structures/vcpu.js';
import { Ledger } from './ledger.js';

/** The slot of a field that is looked at often. */
const GFN = kvm_mmu_page.slot('gfn');
const ROLE = kvm_mmu_page.slot('role');
const SPT = kvm_mmu_page.slot('spt');
const BASE_GFN = kvm_memory_slot.slot('base_gfn');
const NPAGES = kvm_memory_slot.slot('npages');
const MEMSLOTS = kvm_struct.slot('memslots');
const SLOTS = kvm_memslots.slot('memslots');
const GUEST = cpu.slot('guest');
const CPU = kvm_vcpu.slot('cpu');
const PFN = tlb_entry.slot('pfn');
const HVA = page.slot('hva');
const PAGE_PFN = page.slot('pfn');
const ROOT_HPA = kvm_mmu.slot('root_hpa');
const PAE_ROOT = kvm_mmu.slot('pae_root');
const SHADOW_ROOT_LEVEL = kvm_mmu.slot('shadow_root_level');
const NO_ENTRIES: readonly number[] = [];

/** The value of a stored field, by name. */
export function peek<T extends KObject, K extends keyof T & string>(obj: T, field: K): T[K] {
  return obj.$get(obj.$slotOf(field)) as T[K];
}

/** First frame, level and role word of a shadow page. */
export const spGfn = (sp: KvmMmuPage): number => sp.$get(GFN) as number;
export const spRole = (sp: KvmMmuPage): number => sp.$get(ROLE) as number;
export const spLevel = (sp: KvmMmuPage): number => spRole(sp) & ROLE_LEVEL;
export const spTable = (sp: KvmMmuPage): Spt => sp.$get(SPT) as Spt;
export const spIndirect = (sp: KvmMmuPage): boolean => (spRole(sp) & ROLE_DIRECT) === 0;
/** The guest frame that an entry is for, as the kernel has it: of a direct page by its place, of an indirect one as noted. */
export const gfnAt = (sp: KvmMmuPage, sptep: number): number => gfn_at(sp, sptep % 512);

/** A leaf spte. */
export interface Leaf {
  readonly sptep: number;
  readonly value: bigint;
  readonly level: number;
  /** First guest frame that it maps, and its frame of the host. */
  readonly gfn: number;
  readonly pfn: number;
}

export class Look {
  private readonly hash: HashTable;
  private readonly mm: MmStruct;
  private readonly cpus: KArray<Cpu>;
  /** The slots that were asked for last, and whose they are. */
  private slotsOf: KvmMemslots | null = null;
  private slotList: readonly KvmMemorySlot[] = [];
  readonly vcpus: readonly KvmVcpu[];
  readonly tlbs: readonly Tlb[];

  constructor(
    readonly machine: Machine,
    readonly kvm: Kvm,
  ) {
    const arch = kvm.$get(kvm_struct.slot('arch')) as KObject;
    this.hash = arch.$get(kvm_arch.slot('mmu_page_hash')) as HashTable;
    this.mm = kvm.$get(kvm_struct.slot('mm')) as MmStruct;
    this.cpus = kvm.$get(kvm_struct.slot('cpus')) as KArray<Cpu>;
    const vcpus = kvm.$get(kvm_struct.slot('vcpus')) as KArray<KvmVcpu>;
    this.vcpus = Array.from({ length: vcpus.length }, (_, i) => vcpus.element(i) as KvmVcpu);
    if (!kvm.tdp) kvm.observers.mapping.push((sptep, gfn, pfn) => this.mapping(sptep, gfn, pfn));
    this.tlbs = this.vcpus.map((v) => v.$get(kvm_vcpu.slot('tlb')) as Tlb);
  }

  /** The word at an spte's place. */
  word(sptep: number): bigint {
    return this.machine.phys.$get(sptep);
  }
  /** The shadow page that a word lies in; undefined when the frame is something else. */
  page(sptep: number): KvmMmuPage | undefined {
    const owner = this.machine.phys.frameOf(sptep)?.owner;
    return owner instanceof kvm_mmu_page ? (owner as unknown as KvmMmuPage) : undefined;
  }
  /** Level of the table that a word lies in; 0 when it is in none. */
  levelOf(sptep: number): number {
    const sp = this.page(sptep);
    return sp === undefined ? 0 : spLevel(sp);
  }
  freed(pfn: number): boolean {
    const frame = this.machine.phys.frame(pfn);
    return frame !== undefined && frame.freed !== null;
  }

  /** The memory slots that are published now. */
  get memslots(): KvmMemslots {
    return this.kvm.$get(MEMSLOTS) as KvmMemslots;
  }
  /** The slots of one publication, which nobody changes any more; the present one by default. */
  slots(published: KvmMemslots = this.memslots): readonly KvmMemorySlot[] {
    if (published === this.slotsOf) return this.slotList;
    const list = published.$get(SLOTS) as KvmMemslots['memslots'];
    const slots: KvmMemorySlot[] = [];
    for (let s = list.element(0); s !== undefined; s = list.element(slots.length))
      slots.push(s as KvmMemorySlot);
    this.slotsOf = published;
    this.slotList = slots;
    return slots;
  }
  slotOf(gfn: number): KvmMemorySlot | undefined {
    for (const s of this.slots()) if (inSlot(s, gfn)) return s;
    return undefined;
  }
  /** Number of the page of host virtual memory behind a frame of a slot. */
  vpn(slot: KvmMemorySlot, gfn: number): number {
    return peek(slot, 'userspace_addr') / 4096 + gfn - (slot.$get(BASE_GFN) as number);
  }
  /** Guest frames that a page of host virtual memory lies behind. */
  gfnsOfVpn(vpn: number): number[] {
    const gfns: number[] = [];
    for (const s of this.slots()) {
      const gfn = vpn - peek(s, 'userspace_addr') / 4096 + (s.$get(BASE_GFN) as number);
      if (inSlot(s, gfn)) gfns.push(gfn);
    }
    return gfns;
  }
  hostPte(slot: KvmMemorySlot, gfn: number): number {
    return (this.mm.$get(mm_struct.slot('pgd')) as MmStruct['pgd']).$get(this.vpn(slot, gfn));
  }
  /** Whether a guest frame is in the host's memory now. */
  inMemory(gfn: number): boolean {
    const slot = this.slotOf(gfn);
    return slot !== undefined && pte_present(this.hostPte(slot, gfn));
  }
  /** The page of the host that a frame belongs to. */
  hostPage(pfn: number): Page | undefined {
    const map = this.mm.$get(mm_struct.slot('mem_map')) as MmStruct['mem_map'];
    return (map.$get(pfn) ?? map.$get(pfn - (pfn % 512))) as Page | undefined;
  }
  dirtyPage(pfn: number): boolean {
    const p = this.hostPage(pfn);
    return p !== undefined && peek(p, 'PageDirty');
  }
  /** First frame and number of frames of a page. */
  framesOf(p: Page): [first: number, count: number] {
    return [p.$get(page.slot('pfn')) as number, 2 ** (p.$get(page.slot('order')) as number)];
  }

  /** The guest frames whose memory lies in a frame of the host: none, one, or several where slots share memory. */
  gfnsOfPfn(pfn: number): number[] {
    const owner = this.machine.phys.frame(pfn)?.owner;
    if (!(owner instanceof page)) return [];
    const vpn = (owner.$get(HVA) as number) / 4096 + pfn - (owner.$get(PAGE_PFN) as number);
    return this.gfnsOfVpn(vpn);
  }
  /** The first of them; -1 for a frame that holds no guest memory. */
  gfnOfPfn(pfn: number): number {
    return this.gfnsOfPfn(pfn)[0] ?? -1;
  }
  /** Which of several guest frames in one frame of the host an entry was made for. */
  private readonly meant = new Ledger<number>();
  private mapping(sptep: number, gfn: number, pfn: number): void {
    if (this.gfnsOfPfn(pfn).length > 1) this.meant.put(sptep, gfn);
  }
  /** The guest frame that an entry of an indirect page maps by a frame of the host. */
  gfnOfLeaf(sptep: number, pfn: number): number {
    const meant = this.meant.size === 0 ? undefined : this.meant.get(sptep);
    return meant !== undefined && this.gfnsOfPfn(pfn).includes(meant) ? meant : this.gfnOfPfn(pfn);
  }
  /** Entries of indirect pages that have mapped a guest frame: what they map does not follow from their place. */
  private readonly indirect = new Ledger<readonly number[]>();
  /** Notes that an entry of an indirect page maps something. */
  noteIndirect(sptep: number, level: number, gfn: number): void {
    const known = this.indirect.get(gfn * 4 + level) ?? NO_ENTRIES;
    if (!known.includes(sptep)) this.indirect.put(gfn * 4 + level, [...known, sptep]);
  }

  /** Calls back for all places where a leaf spte of a guest frame can be, with the level of each. */
  private entries(gfn: number, f: (sptep: number, level: number) => void): void {
    if (this.indirect.size > 0)
      for (let level = PT_PAGE_TABLE_LEVEL; level <= 3; level++) {
        const first = gfn - (gfn % KVM_PAGES_PER_HPAGE(level));
        for (const sptep of this.indirect.get(first * 4 + level) ?? NO_ENTRIES) {
          const sp = this.page(sptep);
          if (
            sp !== undefined &&
            sp.$freed === null &&
            this.gfnOfLeaf(sptep, spte_to_pfn(this.word(sptep))) === first
          )
            f(sptep, level);
        }
      }
    for (let level = PT_PAGE_TABLE_LEVEL; level <= 3; level++) {
      const size = KVM_PAGES_PER_HPAGE(level);
      const first = gfn - (gfn % (size * 512));
      for (const sp of this.hash.$get(first % 1024) as readonly KvmMmuPage[])
        if (spGfn(sp) === first && spLevel(sp) === level && !spIndirect(sp))
          f(spTable(sp).at((gfn - first - (gfn % size)) / size), level);
    }
  }
  /** All present leaf sptes of a guest frame, those of large pages included, reachable from a root or not. */
  leaves(gfn: number): Leaf[] {
    const leaves: Leaf[] = [];
    this.entries(gfn, (sptep, level) => {
      const value = this.word(sptep);
      if (value === 0n || !this.isLeaf(value, level)) return;
      const first = gfn - (gfn % KVM_PAGES_PER_HPAGE(level));
      leaves.push({ sptep, value, level, gfn: first, pfn: spte_to_pfn(value) });
    });
    return leaves;
  }
  /** Entries of level 1 for a guest frame, whatever they hold. */
  smallEntries(gfn: number): number[] {
    const small: number[] = [];
    this.entries(gfn, (sptep, level) => {
      if (level === PT_PAGE_TABLE_LEVEL) small.push(sptep);
    });
    return small;
  }
  /** Whether a word of a table of a level is a present leaf. */
  isLeaf(value: bigint, level: number): boolean {
    return (
      this.kvm.bits.is_shadow_present_pte(value) && (level === PT_PAGE_TABLE_LEVEL || is_large_pte(value))
    );
  }
  isLink(value: bigint, level: number): boolean {
    return level > PT_PAGE_TABLE_LEVEL && this.kvm.bits.is_shadow_present_pte(value) && !is_large_pte(value);
  }

  /** Head of the reverse-map chain of a frame and level. */
  rmap(slot: KvmMemorySlot, gfn: number, level: number): unknown {
    if (level === PT_PAGE_TABLE_LEVEL) return peek(slot, 'rmap').$get(gfn - (slot.$get(BASE_GFN) as number));
    const size = KVM_PAGES_PER_HPAGE(level);
    const k = Math.floor(gfn / size) - Math.floor((slot.$get(BASE_GFN) as number) / size);
    const infos = peek(slot, 'lpage_info').element(level - 2) as KArray<KObject> | undefined;
    const info = infos?.element(k) as KObject | undefined;
    return info?.$get(kvm_lpage_info.slot('rmap_pde')) ?? 0;
  }

  /** The cached translations of a guest frame in one TLB, of either size. */
  cached(vcpu: number, gfn: number): TlbEntry[] {
    const tlb = this.tlbs[vcpu] as Tlb;
    if (this.kvm.walk.paged) return tlb.all().filter((e) => inEntry(e, gfn));
    return this.translations(vcpu, gfn);
  }
  /** The cached translations of the page of an address. */
  translations(vcpu: number, vpn: number): TlbEntry[] {
    const tlb = this.tlbs[vcpu] as Tlb;
    const found: TlbEntry[] = [];
    const small = tlb.$get(tlbKey(vpn, 1));
    if (small !== undefined) found.push(small as TlbEntry);
    const large = tlb.$get(tlbKey(vpn - (vpn % 512), 2));
    if (large !== undefined) found.push(large as TlbEntry);
    return found;
  }
  /** The frame that an entry translates a guest frame to. */
  framePfn(e: TlbEntry, gfn: number): number {
    return (e.$get(PFN) as number) + gfn - peek(e, 'gfn');
  }

  /** Whether a vCPU executes guest code. One that was asked to leave does so until the interrupt comes. */
  inGuest(vcpu: number): boolean {
    const v = this.vcpus[vcpu] as KvmVcpu;
    const at = v.$get(CPU) as number;
    return at >= 0 && (this.cpus.element(at) as Cpu).$get(GUEST) === v;
  }
  /** The root tables of a vCPU, by the numbers of their frames; of four also those that it has taken so far. */
  roots(vcpu: number): number[] {
    const root = this.root(vcpu);
    const four = this.fourRoots(vcpu).filter((entry) => entry !== 0n);
    if (root >= 0 && this.page(root / 8) !== undefined) return [root / 4096];
    return four.map(spte_to_pfn);
  }
  private fourRoots(vcpu: number): bigint[] {
    const pae_root = this.mmu(vcpu).$get(PAE_ROOT) as Spt | null;
    return pae_root === null ? [] : [0, 1, 2, 3].map((i) => this.word(pae_root.at(i)));
  }
  /** Where the walk of a vCPU for a page begins; undefined without a table. */
  walkStart(vcpu: number, vpn: number): { table: number; level: number } | undefined {
    const root = this.root(vcpu);
    if (root < 0) return undefined;
    const level = this.mmu(vcpu).$get(SHADOW_ROOT_LEVEL) as number;
    if (level !== PT32E_ROOT_LEVEL) return { table: root, level };
    const entry = this.fourRoots(vcpu)[Math.floor(vpn / 2 ** 18) % 4] ?? 0n;
    return entry === 0n ? undefined : { table: spte_to_pfn(entry) * 4096, level: level - 1 };
  }
  private mmu(vcpu: number): KObject {
    const arch = (this.vcpus[vcpu] as KvmVcpu).$get(kvm_vcpu.slot('arch')) as KObject;
    return arch.$get(kvm_vcpu_arch.slot('mmu')) as KObject;
  }
  /** Physical address of a vCPU's root table; negative while it has none. */
  root(vcpu: number): number {
    return this.mmu(vcpu).$get(ROOT_HPA) as number;
  }
}

/** Whether a slot holds a frame. */
export function inSlot(s: KvmMemorySlot, gfn: number): boolean {
  const base = s.$get(BASE_GFN) as number;
  return gfn >= base && gfn < base + (s.$get(NPAGES) as number);
}

/** Whether a cached translation is one of a guest frame. */
function inEntry(e: TlbEntry, gfn: number): boolean {
  const first = peek(e, 'gfn');
  return gfn >= first && gfn < first + KVM_PAGES_PER_HPAGE(peek(e, 'level'));
}
