/** Shadow pages: finding, creating, freeing (specification, section 9). All with `mmu_lock` held. */
import { Bitmap, type Cell, KArray, machine, type Step, WORDS } from '../../machine/index.js';
import {
  PAGE_SHIFT,
  PT_PAGE_TABLE_LEVEL,
  PT_PRESENT_MASK,
  PT_WRITABLE_MASK,
  PT32_ROOT_LEVEL,
} from './bits.js';
import { KVM_MMU_GET_PAGE } from './events.js';
import { mmu_memory_cache_alloc } from './memory_cache.js';
import { pte_list_add, pte_list_remove } from './pte_list.js';
import { account_shadowed } from './shadow/account.js';
import { kvm_sync_pages } from './shadow/sync.js';
import { mmu_spte_clear_no_track, mmu_spte_set } from './spte.js';
import type { Kvm } from './structures/kvm.js';
import {
  type KvmMmuPage,
  kvm_mmu_page,
  ROLE_ACCESS_SHIFT,
  ROLE_CR4_PAE,
  ROLE_DIRECT,
  ROLE_QUADRANT_SHIFT,
} from './structures/mmu_page.js';
import { Spt } from './structures/spt.js';
import type { KvmVcpu } from './structures/vcpu.js';
import { kvm_flush_remote_tlbs } from './tlb.js';
import { rmap_write_protect } from './write_protect.js';

const PARENT_PTES = kvm_mmu_page.slot('parent_ptes');
const parents = (sp: KvmMmuPage): Cell => ({ obj: sp, slot: PARENT_PTES });

/** Counts shadow pages of a virtual machine, and of all. */
export function kvm_mod_used_mmu_pages(kvm: Kvm, n: number): void {
  kvm.arch.n_used_mmu_pages += n;
  kvm.main.kvm_total_used_mmu_pages += n;
}

function mmu_page_add_parent_pte(vcpu: KvmVcpu, sp: KvmMmuPage, parent_pte: number): void {
  if (parent_pte !== 0) pte_list_add(vcpu, parent_pte, parents(sp));
}

/** Unlinks a table from one entry that points to it, on both sides. */
export function* drop_parent_pte(sp: KvmMmuPage, parent_pte: number): Step<void> {
  pte_list_remove(parent_pte, parents(sp));
  yield* mmu_spte_clear_no_track(sp.spt.bits, parent_pte);
}

/** Takes the memory of a new page out of the caches. */
function kvm_mmu_alloc_page(vcpu: KvmVcpu, gfn: number, role: number): KvmMmuPage {
  const { kvm } = vcpu;
  mmu_memory_cache_alloc(vcpu.arch.mmu_page_header_cache);
  mmu_memory_cache_alloc(vcpu.arch.mmu_page_cache);
  const indirect = (role & ROLE_DIRECT) === 0;
  // Guest frames of the entries are kept only where they do not follow from the place. A direct map has nothing unsync below it.
  const sp = machine.alloc(
    new kvm_mmu_page({ gfn, role, gfns: indirect ? new KArray<number>(WORDS, 0) : null }),
  );
  if (!kvm.tdp) sp.unsync_child_bitmap = new Bitmap(WORDS);
  const frame = machine.phys.alloc(sp);
  frame.dense();
  if (!indirect && kvm.bits.bypass_guest_pf) frame.words?.fill(kvm.bits.shadow_trap_nonpresent_pte);
  sp.spt = new Spt(frame.pfn, kvm.bits);
  kvm.arch.active_mmu_pages.add(sp);
  kvm_mod_used_mmu_pages(kvm, 1);
  return sp;
}

/** Takes an unlinked page out of the hash. */
export function kvm_mmu_isolate_page(kvm: Kvm, sp: KvmMmuPage): void {
  kvm.arch.mmu_page_hash.del(sp);
}

/** Gives the memory of a page back. */
export function kvm_mmu_free_page(sp: KvmMmuPage): void {
  machine.phys.free(sp.spt.pfn);
  machine.free(sp);
}

/** Which part of a guest table of 1024 entries a shadow page of 512 covers. */
function quadrant_of(vcpu: KvmVcpu, gaddr: number, level: number): number {
  const { direct_map, root_level } = vcpu.arch.mmu;
  if (direct_map || root_level > PT32_ROOT_LEVEL) return 0;
  return Math.floor(gaddr / 2 ** (PAGE_SHIFT + 9 * level)) % 2 ** level;
}

/** The role of a page that a vCPU is looking for. */
function role_of(vcpu: KvmVcpu, gaddr: number, level: number, direct: boolean, access: number): number {
  const { base_role } = vcpu.arch.mmu;
  return (
    (direct ? base_role & ~ROLE_CR4_PAE : base_role) |
    level |
    (direct ? ROLE_DIRECT : 0) |
    (access << ROLE_ACCESS_SHIFT) |
    (quadrant_of(vcpu, gaddr, level) << ROLE_QUADRANT_SHIFT)
  );
}

/** A new page of a guest table: from now on stores to the table are seen. */
function* shadow_guest_table(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  const { kvm } = vcpu;
  const { prefetch_order } = kvm.variant;
  yield* prefetch_order.unprotected(vcpu, sp);
  if (yield* rmap_write_protect(kvm, sp.gfn)) yield* kvm_flush_remote_tlbs(kvm);
  if (sp.level > PT_PAGE_TABLE_LEVEL) yield* kvm_sync_pages(vcpu, sp.gfn);
  yield* account_shadowed(kvm, sp.gfn);
  yield* prefetch_order.protected(vcpu, sp);
  for (const o of kvm.observers.tableChanged) o(sp);
}

/**
 * The shadow page of a gfn and role, found or created and not yet linked: `parent_pte` is noted as its parent, and the caller
 * writes the link next.
 * @param gaddr      address whose translation is being built: chooses the quadrant
 * @param direct     a linear range of guest frames from `gfn` on, and not the guest table that lies in `gfn`
 * @param parent_pte the entry that will point to it; 0 for a root
 * @param root_gfn   frame of the guest's root from which it is reached; -1 for a root, a direct page, or where that is not known
 */
export function* kvm_mmu_get_page(
  vcpu: KvmVcpu,
  gfn: number,
  gaddr: number,
  level: number,
  direct: boolean,
  access: number,
  parent_pte: number,
  root_gfn = -1,
): Step<KvmMmuPage> {
  const { kvm } = vcpu;
  const role = role_of(vcpu, gaddr, level, direct, access);
  const { oos } = kvm.variant;
  const existing = yield* oos.lookup(vcpu, gfn, role, root_gfn);
  if (existing !== null) {
    mmu_page_add_parent_pte(vcpu, existing, parent_pte);
    yield* oos.adopted(vcpu, existing);
    if (existing.write_flooding_count > 0) existing.write_flooding_count = 0;
    trace_kvm_mmu_get_page(existing, false);
    return existing;
  }
  kvm.stat.mmu_cache_miss++;
  const sp = kvm_mmu_alloc_page(vcpu, gfn, role);
  mmu_page_add_parent_pte(vcpu, sp, parent_pte);
  if (oos.created !== null) oos.created(vcpu, sp, root_gfn);
  kvm.arch.mmu_page_hash.add(sp);
  if (!direct) yield* shadow_guest_table(vcpu, sp);
  trace_kvm_mmu_get_page(sp, true);
  return sp;
}

/** Takes back what `kvm_mmu_get_page` noted, when the link is not written after all. */
export function kvm_mmu_put_page(sp: KvmMmuPage, parent_pte: number): void {
  pte_list_remove(parent_pte, parents(sp));
}

/** Makes an entry point to a table, with full rights: what may be done is decided by the leaves. */
export function* link_shadow_page(kvm: Kvm, sptep: number, sp: KvmMmuPage): Step<void> {
  const { bits } = kvm;
  const rights =
    PT_PRESENT_MASK |
    PT_WRITABLE_MASK |
    bits.shadow_user_mask |
    bits.shadow_x_mask |
    bits.shadow_accessed_mask;
  yield* mmu_spte_set(kvm, sptep, (BigInt(sp.spt.pfn) << 12n) | rights);
}

function trace_kvm_mmu_get_page(sp: KvmMmuPage, created: boolean): void {
  if (machine.wants(KVM_MMU_GET_PAGE))
    machine.emit(KVM_MMU_GET_PAGE, [sp.gfn, sp.role, sp.root_count, sp.unsync, created]);
}
