/** Questions that expressions can ask about the state; none takes a step. */
import { ANY, BOOL, handle, INT, machine, WORDS } from '../../machine/index.js';
import { type Query, UsageError } from '../subsystem.js';
import { is_last_spte, PT_PAGE_SIZE_MASK, PT32E_ROOT_LEVEL, spte_to_pfn } from './bits.js';
import type { MmuInstance } from './boot.js';
import { virtual_cost } from './cost.js';
import { gpte_address, look_at_guest } from './guest/tables.js';
import { address, pages, word } from './operations/arguments.js';
import { gpteBits, gpteParams, numbered, VCPU } from './operations/paging.js';
import { type HostPte, type Page, pfn_to_page, pte_pfn, pte_present } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import { type Spte, viewOf } from './structures/spt.js';
import { type TlbEntry, tlb_entry } from './structures/tlb.js';
import { INVALID_PAGE, type KvmVcpu, kvm_mmu } from './structures/vcpu.js';

const kvmOf = (instance: unknown): Kvm => (instance as MmuInstance).kvm;
const ROOT_HPA = kvm_mmu.slot('root_hpa');

/** Where the walk for a page begins: a table and its level; level 0 without one. */
function rootOf(vcpu: KvmVcpu, vpn: number): { table: number; level: number } {
  const { mmu } = vcpu.arch;
  const table = mmu.$look(ROOT_HPA) as number;
  const { shadow_root_level, pae_root } = mmu;
  if (table === INVALID_PAGE) return { table, level: 0 };
  if (shadow_root_level !== PT32E_ROOT_LEVEL || pae_root === null) return { table, level: shadow_root_level };
  const root = machine.phys.$look(pae_root.at(Math.floor(vpn / 2 ** 18) % 4));
  return root === 0n ? { table, level: 0 } : { table: spte_to_pfn(root) * 4096, level: PT32E_ROOT_LEVEL - 1 };
}

/** Word address of the entry at which a walk for a page ends: a leaf, or one that is not present; -1 without a root. */
export function leafOf(kvm: Kvm, vcpu: KvmVcpu, vpn: number): number {
  let { table, level } = rootOf(vcpu, vpn);
  for (; level > 0; level--) {
    const sptep = table / 8 + (Math.floor(vpn / 2 ** (9 * (level - 1))) % WORDS);
    const spte = machine.phys.$look(sptep);
    if (!kvm.bits.is_shadow_present_pte(spte) || is_last_spte(spte, level)) return sptep;
    table = spte_to_pfn(spte) * 4096;
  }
  return -1;
}

/** The entry that maps a page now, by the first vCPU that has tables; one that reads as 0 when there is none. */
export function spteFor(instance: MmuInstance, vpn: number): Spte {
  const vcpu = instance.vcpus.find((v) => v.arch.mmu.$look(ROOT_HPA) !== INVALID_PAGE);
  return viewOf(instance.kvm.bits, vcpu === undefined ? -1 : leafOf(instance.kvm, vcpu, vpn));
}

/** The entry at which the walk of a TLB entry ends now, by the tables of its vCPU. */
function spteOfEntry(instance: MmuInstance, e: TlbEntry): Spte {
  if (instance.kvm.tdp) return spteFor(instance, e.gfn);
  return viewOf(instance.kvm.bits, leafOf(instance.kvm, instance.vcpus[e.vcpu] as KvmVcpu, e.vpn));
}

function gfnArgument(v: unknown): number {
  if (typeof v === 'number' && v >= 0) return v;
  throw new UsageError('a guest frame number is expected: an integer from 0 on');
}

/** The host address of a guest frame, or -1. */
function hvaOf(kvm: Kvm, gfn: number): number {
  const slot = kvm.memslots.memslots.items().find((s) => gfn >= s.base_gfn && gfn < s.base_gfn + s.npages);
  return slot === undefined ? -1 : slot.userspace_addr + (gfn - slot.base_gfn) * 4096;
}

/** The entry of a host address. */
const pteOf = (kvm: Kvm, hva: number): HostPte => kvm.mm.pgd.view(Math.floor(hva / 4096));

function pageOf(kvm: Kvm, gfn: number): Page | null {
  const hva = hvaOf(kvm, gfn);
  const pte = hva < 0 ? 0 : (kvm.mm.pgd.$look(hva / 4096) as number);
  return pte_present(pte) ? (pfn_to_page(kvm.mm, pte_pfn(pte)) ?? null) : null;
}

export const queries: readonly Query[] = [
  {
    name: 'spte',
    doc: 'The entry of the shadow tables at which a walk for a TLB entry or a page ends now. Where nothing is mapped its `value` is 0 and `present` is false. A page is named by its number: its guest frame, or its virtual address divided by 4096 where KVM shadows the tables of the guest; the first vCPU that has tables of KVM then says which.',
    params: [{ name: 'of', type: ANY, doc: 'A TLB entry, or the number of a page.' }],
    returns: handle('spte'),
    eval: (instance, [of]) =>
      of instanceof tlb_entry
        ? spteOfEntry(instance as MmuInstance, of as unknown as TlbEntry)
        : spteFor(instance as MmuInstance, gfnArgument(of)),
  },
  {
    name: 'gpte',
    doc: 'An entry of a guest page table that points to a page or a table. It allows everything, and is accessed and dirty, if nothing else is said.',
    params: [
      { name: 'gpa', type: INT, doc: 'Guest physical address that it points to.' },
      ...gpteParams,
      { name: 'large', type: BOOL, doc: 'PS: it maps a large page itself, above level 1.', default: false },
    ],
    returns: INT,
    eval: (_instance, [gpa, ...rest]) =>
      BigInt(pages(gpa, 'gpa')) | gpteBits(rest) | (rest.at(-1) === true ? PT_PAGE_SIZE_MASK : 0n),
  },
  {
    name: 'gpte_address',
    doc: 'Guest physical address of the entry of the guest tables for a virtual address, at a level; -1 where the tables do not reach that level.',
    params: [
      { name: 'cr3', type: INT, doc: 'Guest physical address of the root table.' },
      { name: 'va', type: INT, doc: 'Virtual address.' },
      { name: 'level', type: INT, doc: 'Level of the table that the entry is in.', default: 1 },
      VCPU,
    ],
    returns: INT,
    eval: (instance, [cr3, va, level, n]) =>
      gpte_address(
        kvmOf(instance),
        numbered(kvmOf(instance), n),
        address(cr3, 'cr3'),
        address(va, 'va'),
        level as number,
      ),
  },
  {
    name: 'guest_word',
    doc: 'The word of guest memory at a guest physical address, as it is now; 0 where no page is behind it.',
    params: [{ name: 'gpa', type: INT, doc: 'Guest physical address of a word of 8 bytes.' }],
    returns: INT,
    eval: (instance, [gpa]) => look_at_guest(kvmOf(instance), word(gpa, 'gpa'), 8),
  },
  {
    name: 'host_page',
    doc: 'The page of the host behind a guest frame; none while it is not in memory.',
    params: [{ name: 'gfn', type: INT, doc: 'Guest frame number.' }],
    returns: handle('page'),
    eval: (instance, [gfn]) => pageOf(kvmOf(instance), gfnArgument(gfn)),
  },
  {
    name: 'host_pte',
    doc: 'The entry of the page table of the process for a host virtual address.',
    params: [{ name: 'hva', type: INT, doc: 'Host virtual address.' }],
    returns: handle('host_pte'),
    eval: (instance, [hva]) => pteOf(kvmOf(instance), gfnArgument(hva)),
  },
  virtual_cost,
];
