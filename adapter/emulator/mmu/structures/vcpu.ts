/** Virtual CPUs and their MMU state. */
import {
  absent,
  bool,
  flags,
  handle,
  INT,
  type Instance,
  int,
  KArray,
  listOf,
  oneOf,
  own,
  STRING,
  struct,
} from '../../../machine/index.js';
import type { Kvm } from './kvm.js';
import { roleText } from './mmu_page.js';
import { address, hex, part } from './pointer.js';
import type { Spt } from './spt.js';
import type { KvmVcpuStat } from './stat.js';
import type { Tlb } from './tlb.js';

/** What other CPUs need to know of a vCPU before they send it an interrupt. */
export const OUTSIDE_GUEST_MODE = 'OUTSIDE_GUEST_MODE';
export const IN_GUEST_MODE = 'IN_GUEST_MODE';
export const EXITING_GUEST_MODE = 'EXITING_GUEST_MODE';
export const READING_SHADOW_PAGE_TABLES = 'READING_SHADOW_PAGE_TABLES';

/** Requests to a vCPU, served before it enters the guest again. */
export const KVM_REQ_TLB_FLUSH = 1n << 0n;
export const KVM_REQ_MMU_RELOAD = 1n << 3n;
export const KVM_REQ_TRIPLE_FAULT = 1n << 5n;
export const KVM_REQ_MMU_SYNC = 1n << 7n;
const REQUESTS = { KVM_REQ_TLB_FLUSH, KVM_REQ_MMU_RELOAD, KVM_REQ_TRIPLE_FAULT, KVM_REQ_MMU_SYNC };

/** No root: the vCPU has to build one before it can enter the guest. */
export const INVALID_PAGE = -1;

/** `struct kvm_mmu_memory_cache`. */
export const kvm_mmu_memory_cache = struct(
  'kvm_mmu_memory_cache',
  'Memory taken before mmu_lock, because none can be had under it.',
  { nobjs: int('Objects in the cache.') },
  (c: KvmMmuMemoryCache): string => `${c.nobjs} objects`,
);
export interface KvmMmuMemoryCache extends Instance<typeof kvm_mmu_memory_cache> {}

/** `struct kvm_mmu`. */
export const kvm_mmu = struct(
  'kvm_mmu',
  'How a vCPU translates guest addresses.',
  {
    root_hpa: int('Physical address of the root table; none (-1) while there is no root.', {
      show: (v) => hex(v as number),
      initial: INVALID_PAGE,
    }),
    root_level: int("Level of the root of the guest's own tables; 0 for a guest without paging.", {
      readonly: true,
    }),
    shadow_root_level: int('Level of the root table.', { initial: 4, readonly: true }),
    direct_map: bool('The tables map guest frames linearly and shadow no guest table.', {
      initial: true,
      readonly: true,
    }),
    base_role: int('Role bits of all tables that this vCPU makes.', {
      show: (v) => roleText(v as number),
      readonly: true,
    }),
    nx: bool('The guest may forbid execution.', { readonly: true }),
    pae_root: part<Spt | null>(
      listOf(handle('spte')),
      'The four entries above the tables of level 2, where those are the roots; root_hpa points to them.',
    ),
    pdptrs: own(
      listOf(INT),
      'The entries above the page directories of a PAE guest, as the load of cr3 found them.',
      () => new KArray<bigint>(4, 0n),
      { show: 'hex' },
    ),
  },
  (m: KvmMmu): string => `root ${hex(m.root_hpa)}`,
);
export interface KvmMmu extends Instance<typeof kvm_mmu> {}

/** `struct kvm_queued_exception`, as far as page faults go. */
export const kvm_queued_exception = struct(
  'kvm_queued_exception',
  'The page fault that the guest got from its last access, if it got one.',
  {
    pending: bool('KVM injects it with the next entry.'),
    error_code: int('Why: P 1, W 2, U 4, RSVD 8, F 16; -1 when the last access did not fault.', {
      initial: -1,
    }),
  },
  (e: KvmQueuedException): string => (e.error_code < 0 ? 'none' : `#PF error code ${hex(e.error_code)}`),
);
export interface KvmQueuedException extends Instance<typeof kvm_queued_exception> {}

const register = (doc: string) => int(doc, { show: 'hex', readonly: true });

const cache = (doc: string) => part<KvmMmuMemoryCache>(handle('kvm_mmu_memory_cache'), doc);

/** The anonymous structure of that name in `struct kvm_vcpu_arch` of 2008. */
export const kvm_update_pte = struct(
  'kvm_update_pte',
  'The frame that an emulated store to a page table will have mapped, looked up before `mmu_lock` is taken; only with `pte_write_pfn: guessed`.',
  {
    gfn: int('Guest frame that the stored entry points to.', { show: 'hex', initial: -1 }),
    pfn: int('Frame of the host behind it; -1 for none.', { show: 'hex', initial: -1 }),
    mmu_seq: int('`mmu_notifier_seq` before it was looked up.'),
  },
  (u: KvmUpdatePte): string => (u.pfn < 0 ? 'none' : `gfn ${hex(u.gfn)} -> pfn ${hex(u.pfn)}`),
);
export interface KvmUpdatePte extends Instance<typeof kvm_update_pte> {}

/** What only `flooding: per-vcpu` keeps. */
const flooding = absent<KvmVcpuArch>((a): boolean => a.last_pt_write_gfn < 0);

/** `struct kvm_vcpu_arch`, the part that the MMU needs. */
export const kvm_vcpu_arch = struct('kvm_vcpu_arch', 'The x86 part of a vCPU.', {
  cr0: register('Control register 0: PG is bit 31, WP bit 16. `vcpu.set_cr0` sets it.'),
  cr2: register('Address of the last page fault that the guest got.'),
  cr3: register("Guest physical address of the root of the guest's tables. `vcpu.set_cr3` sets it."),
  guest_cr3: register(
    'What the CPU has in cr3 while the guest runs, with two-dimensional paging: brought there with the root, or by the guest itself.',
  ),
  cr4: register(
    'Control register 4: PSE is bit 4, PAE bit 5, PGE bit 7, SMEP bit 20. `vcpu.set_cr4` sets it.',
  ),
  efer: register('EFER: LME is bit 8, LMA bit 10, NX bit 11.'),
  exception: part<KvmQueuedException>(handle('kvm_queued_exception'), 'The page fault of the last access.'),
  mmio_gva: int('Page of an address without memory that was met last; 0 for none.', { show: 'hex' }),
  mmio_gfn: int('Its guest frame.', { show: 'hex' }),
  mmio_access: int('Rights that the guest has there.'),
  mmu: part<KvmMmu>(handle('kvm_mmu'), 'How this vCPU translates.'),
  last_pt_write_gfn: int(
    'Frame of the page table that an emulated store of this vCPU went to last; only counted with `flooding: per-vcpu`.',
    { ...flooding, show: 'hex', initial: -1 },
  ),
  last_pt_write_count: int('How many such stores went there in a row.', flooding),
  last_pte_updated: int('The spte that the last of them brought up to date; 0 for none.', {
    ...flooding,
    show: address,
    words: true,
  }),
  update_pte: own(
    handle('kvm_update_pte'),
    'What an emulated store to a page table is about to have mapped.',
    () => new kvm_update_pte() as KvmUpdatePte,
    absent<KvmVcpuArch>((a): boolean => a.update_pte.gfn < 0),
  ),
  mmu_pte_list_desc_cache: cache('Nodes for reverse-map chains.'),
  mmu_page_cache: cache('Pages for shadow tables.'),
  mmu_page_header_cache: cache('Headers of shadow pages.'),
});
export interface KvmVcpuArch extends Instance<typeof kvm_vcpu_arch> {}

/** `struct kvm_vcpu`. */
export const kvm_vcpu = struct(
  'kvm_vcpu',
  'A virtual CPU.',
  {
    vcpu_id: int('Number of the vCPU.', { readonly: true }),
    kvm: part<Kvm>(handle('kvm'), 'The virtual machine that it belongs to.'),
    cpu: int('Physical CPU that it was last loaded on; -1 before the first time.', {
      initial: -1,
      guard: 'racy',
    }),
    mode: oneOf(
      [OUTSIDE_GUEST_MODE, IN_GUEST_MODE, EXITING_GUEST_MODE, READING_SHADOW_PAGE_TABLES],
      'Whether it runs guest code; other CPUs decide by it whether to interrupt it.',
      {
        guard: 'racy',
      },
    ),
    requests: flags(REQUESTS, 'What it has to do before it enters the guest again.', { guard: 'racy' }),
    thread: part<{ readonly name: string } | null>(STRING, 'The thread that drives it now.', {
      readonly: true,
    }),
    in_srcu: bool(
      'It is inside a read section of kvm.srcu: it runs host code and may look at memory slots.',
      { readonly: true },
    ),
    srcu_idx: int('Which of the two counters of kvm.srcu it is counted in.', { readonly: true }),
    tlb: part<Tlb>(listOf(handle('tlb_entry')), 'Translations that it has cached.'),
    arch: part<KvmVcpuArch>(handle('kvm_vcpu_arch'), 'The x86 part.'),
    stat: part<KvmVcpuStat>(handle('kvm_vcpu_stat'), 'Counters.'),
  },
  (v: KvmVcpu): string => `vcpu ${v.vcpu_id} on cpu ${v.cpu}, ${v.mode}`,
);
export interface KvmVcpu extends Instance<typeof kvm_vcpu> {}
