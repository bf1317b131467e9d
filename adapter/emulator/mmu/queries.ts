/** Questions that expressions can ask about the state; none takes a step. */
import { ANY, handle, INT, machine, WORDS } from '../../machine/index.js';
import { type Query, UsageError } from '../subsystem.js';
import { is_last_spte, spte_to_pfn } from './bits.js';
import type { MmuInstance } from './boot.js';
import { type HostPte, type Page, pfn_to_page, pte_pfn, pte_present } from './structures/host.js';
import type { Kvm } from './structures/kvm.js';
import { type Spte, viewOf } from './structures/spt.js';
import { type TlbEntry, tlb_entry } from './structures/tlb.js';
import { INVALID_PAGE, type KvmVcpu, kvm_mmu } from './structures/vcpu.js';

const kvmOf = (instance: unknown): Kvm => (instance as MmuInstance).kvm;
const ROOT_HPA = kvm_mmu.slot('root_hpa');

/** Word address of the entry at which a walk for a frame ends: a leaf, or one that is not present; -1 without a root. */
export function leafOf(kvm: Kvm, vcpu: KvmVcpu, gfn: number): number {
  let table = vcpu.arch.mmu.$look(ROOT_HPA) as number;
  if (table === INVALID_PAGE) return -1;
  for (let level = 4; ; level--) {
    const sptep = table / 8 + (Math.floor(gfn / 2 ** (9 * (level - 1))) % WORDS);
    const spte = machine.phys.$look(sptep);
    if (!kvm.bits.is_shadow_present_pte(spte) || is_last_spte(spte, level)) return sptep;
    table = spte_to_pfn(spte) * 4096;
  }
}

/** The entry that maps a frame now, by the first vCPU that has tables; one that reads as 0 when there is none. */
export function spteFor(instance: MmuInstance, gfn: number): Spte {
  const vcpu = instance.vcpus.find((v) => v.arch.mmu.$look(ROOT_HPA) !== INVALID_PAGE);
  return viewOf(instance.kvm.bits, vcpu === undefined ? -1 : leafOf(instance.kvm, vcpu, gfn));
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
    doc: 'The entry of the shadow tables at which a walk for a TLB entry or a guest frame ends now. Where nothing is mapped its `value` is 0 and `present` is false.',
    params: [{ name: 'of', type: ANY, doc: 'A TLB entry, or a guest frame number.' }],
    returns: handle('spte'),
    eval: (instance, [of]) =>
      spteFor(
        instance as MmuInstance,
        of instanceof tlb_entry ? (of as unknown as TlbEntry).gfn : gfnArgument(of),
      ),
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
];
