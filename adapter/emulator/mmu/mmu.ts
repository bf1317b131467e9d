/** Root tables of a vCPU (specification, section 9.1). */
import { event_step, Fault, machine, type Step, spin_lock, spin_unlock } from '../../machine/index.js';
import { PT_PRESENT_MASK, PT32_ROOT_LEVEL, PT32E_ROOT_LEVEL, PT64_ROOT_LEVEL, spte_to_pfn } from './bits.js';
import { is_present_gpte } from './guest/gpte.js';
import { flush_tlb } from './hw/flush.js';
import { mmu_topup_memory_caches } from './memory_cache.js';
import { gfn_to_memslot_unsafe, memslot_is_visible } from './memslot.js';
import { kvm_mmu_get_page } from './mmu_page.js';
import { mmu_sync_roots } from './shadow/sync.js';
import { ACC_ALL, type KvmMmuPage } from './structures/mmu_page.js';
import { hex } from './structures/pointer.js';
import { page_header, type Spt } from './structures/spt.js';
import { INVALID_PAGE, KVM_REQ_TRIPLE_FAULT, type KvmVcpu } from './structures/vcpu.js';
import { kvm_make_request } from './tlb.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_free_some_pages, kvm_mmu_prepare_zap_page } from './zap.js';

/** Takes one root. Returns the physical address of its table. */
function* alloc_root(
  vcpu: KvmVcpu,
  gfn: number,
  gaddr: number,
  level: number,
  direct: boolean,
): Step<number> {
  const { kvm } = vcpu;
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_free_some_pages(kvm);
  const sp = yield* kvm_mmu_get_page(vcpu, gfn, gaddr, level, direct, ACC_ALL, 0);
  sp.root_count++;
  yield* spin_unlock(kvm.mmu_lock);
  return sp.spt.pfn * 4096;
}

/** A root that lies in no memory: the guest cannot go on. */
function* mmu_check_root(vcpu: KvmVcpu, root_gfn: number): Step<void> {
  if (memslot_is_visible(gfn_to_memslot_unsafe(vcpu.kvm, root_gfn))) return;
  yield* kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
  throw new Fault(
    'usage',
    'triple fault',
    `vcpu[${vcpu.vcpu_id}] has its page tables at guest physical address ${hex(root_gfn * 4096)}, which is in no memory slot: a real guest would be reset (KVM_REQ_TRIPLE_FAULT). Build tables with vm.new_table and vm.map, and load them with vcpu.set_cr3`,
  );
}

/** Writes one of the four entries above roots of level 2. */
const set_pae_root = (vcpu: KvmVcpu, i: number, entry: bigint): void =>
  machine.phys.$store((vcpu.arch.mmu.pae_root as Spt).at(i), entry);

/** The frame of one of the four roots of a guest that shadows from level 2 on; -1 where it has none. */
function pae_root_gfn(vcpu: KvmVcpu, i: number): number {
  const { mmu, cr3 } = vcpu.arch;
  if (mmu.direct_map) return i * 2 ** 18;
  if (mmu.root_level !== PT32E_ROOT_LEVEL) return Math.floor(cr3 / 4096);
  const pdptr = mmu.pdptrs.at(i);
  return is_present_gpte(pdptr) ? spte_to_pfn(pdptr) : -1;
}

function* mmu_alloc_pae_roots(vcpu: KvmVcpu): Step<void> {
  const { mmu } = vcpu.arch;
  for (let i = 0; i < 4; i++) {
    const root_gfn = pae_root_gfn(vcpu, i);
    if (root_gfn < 0) {
      set_pae_root(vcpu, i, 0n);
      continue;
    }
    if (!mmu.direct_map) yield* mmu_check_root(vcpu, root_gfn);
    const root = yield* alloc_root(vcpu, root_gfn, i * 2 ** 30, PT32_ROOT_LEVEL, mmu.direct_map);
    set_pae_root(vcpu, i, BigInt(root) | PT_PRESENT_MASK);
  }
  mmu.root_hpa = (mmu.pae_root as Spt).pfn * 4096;
}

/** Takes the roots that the mode of the guest needs: one of level 4, or four of level 2. */
function* mmu_alloc_roots(vcpu: KvmVcpu): Step<void> {
  const { mmu, cr3 } = vcpu.arch;
  if (mmu.shadow_root_level !== PT64_ROOT_LEVEL) return yield* mmu_alloc_pae_roots(vcpu);
  const root_gfn = mmu.direct_map ? vcpu.kvm.variant.tdp_root_key(vcpu) : Math.floor(cr3 / 4096);
  if (!mmu.direct_map) yield* mmu_check_root(vcpu, root_gfn);
  mmu.root_hpa = yield* alloc_root(vcpu, root_gfn, 0, PT64_ROOT_LEVEL, mmu.direct_map);
}

/** Gives a vCPU a root, which empties its TLB. */
export function* kvm_mmu_load(vcpu: KvmVcpu): Step<void> {
  mmu_topup_memory_caches(vcpu);
  yield* mmu_alloc_roots(vcpu);
  yield* spin_lock(vcpu.kvm.mmu_lock);
  yield* mmu_sync_roots(vcpu);
  yield* spin_unlock(vcpu.kvm.mmu_lock);
  yield* event_step('loads the root register', vcpu);
  if (vcpu.arch.guest_cr3 !== vcpu.arch.cr3) vcpu.arch.guest_cr3 = vcpu.arch.cr3;
  flush_tlb(vcpu, 'root loaded');
}

/** One root less; a zapped page that was kept for that is freed. */
function* put_root(vcpu: KvmVcpu, sp: KvmMmuPage, invalid_list: KvmMmuPage[]): Step<void> {
  sp.root_count--;
  if (sp.root_count === 0 && sp.invalid) yield* kvm_mmu_prepare_zap_page(vcpu.kvm, sp, invalid_list);
}

/** Lets the roots go. That alone flushes nothing. */
export function* mmu_free_roots(vcpu: KvmVcpu): Step<void> {
  const { kvm } = vcpu;
  const { mmu } = vcpu.arch;
  if (mmu.root_hpa === INVALID_PAGE) return;
  yield* spin_lock(kvm.mmu_lock);
  const invalid_list: KvmMmuPage[] = [];
  if (mmu.shadow_root_level === PT64_ROOT_LEVEL)
    yield* put_root(vcpu, page_header(mmu.root_hpa / 8), invalid_list);
  else
    for (let i = 0; i < 4; i++) {
      const root = machine.phys.$load((mmu.pae_root as Spt).at(i));
      if (root !== 0n) yield* put_root(vcpu, page_header(spte_to_pfn(root) * 512), invalid_list);
      set_pae_root(vcpu, i, 0n);
    }
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
  mmu.root_hpa = INVALID_PAGE;
  yield* spin_unlock(kvm.mmu_lock);
}
