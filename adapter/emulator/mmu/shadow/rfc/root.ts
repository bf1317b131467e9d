/** Which root a page belongs to, as first posted; and what is done when another one reaches it. `mmu_lock` is held. */
import { KList, type Step } from '../../../../machine/index.js';
import { is_long_mode, is_pae } from '../../guest/control_registers.js';
import type { KvmMmuPage } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { kvm_sync_page } from './sync.js';

/** A root that shadows the table at a guest frame; null where it is gone. */
export function kvm_mmu_lookup_page_root(vcpu: KvmVcpu, gfn: number): KvmMmuPage | null {
  const { root_level } = vcpu.arch.mmu;
  const level = !is_long_mode(vcpu) && is_pae(vcpu) ? root_level - 1 : root_level;
  const bucket = gfn < 0 ? [] : vcpu.kvm.arch.mmu_page_hash.bucket(gfn);
  return bucket.find((sp) => sp.gfn === gfn && !sp.direct && !sp.invalid && sp.level === level) ?? null;
}

/** Syncs all pages that belong to a root. Returns whether there were any. */
export function* mmu_sync_root(vcpu: KvmVcpu, root_sp: KvmMmuPage): Step<boolean> {
  const list = root_sp.unsync_pages as KList<KvmMmuPage>;
  let any = false;
  for (let sp = list.items()[0]; sp !== undefined; sp = list.items()[0]) {
    any = true;
    yield* kvm_sync_page(vcpu, sp);
  }
  return any;
}

/** A page belongs to no single root any more: it is synced, or all that belongs to its root when it is no leaf table. */
function* set_shared_mmu_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<boolean> {
  let synced = false;
  if (sp.level === 1) {
    if (sp.unsync) yield* kvm_sync_page(vcpu, sp);
  } else if (sp.root_gfn !== -1) {
    const root_sp = kvm_mmu_lookup_page_root(vcpu, sp.root_gfn);
    if (root_sp !== null) synced = yield* mmu_sync_root(vcpu, root_sp);
  }
  if (sp.root_gfn !== -1) sp.root_gfn = -1;
  return synced;
}

/** Looks a page up. Every page of the gfn that is met and that was reached through another root is shared from now on. */
export function* lookup(vcpu: KvmVcpu, gfn: number, role: number, root_gfn: number): Step<KvmMmuPage | null> {
  const { mmu_page_hash } = vcpu.kvm.arch;
  let bucket = mmu_page_hash.bucket(gfn);
  for (let k = 0; k < bucket.length; k++) {
    const sp = bucket[k] as KvmMmuPage;
    if (sp.gfn !== gfn) continue;
    let again = false;
    if (sp.root_gfn !== root_gfn) {
      sp.inuse = true;
      again = yield* set_shared_mmu_page(vcpu, sp);
      sp.inuse = false;
    }
    if (sp.role === role) return sp;
    // A sync may have zapped pages that come next.
    if (!again) continue;
    bucket = mmu_page_hash.bucket(gfn);
    k = -1;
  }
  return null;
}

/** A new page. It can never be unsync when the table had another page of another root. */
export function created(vcpu: KvmVcpu, sp: KvmMmuPage, root_gfn: number): void {
  const { global, root_level } = vcpu.kvm.variant.oos_patches;
  const shared = vcpu.kvm.arch.mmu_page_hash
    .bucket(sp.gfn)
    .some((other) => other.gfn === sp.gfn && other.root_gfn === -1);
  if (root_gfn !== -1 && !shared && root_level) sp.root_gfn = root_gfn;
  if (global) sp.global = true;
  sp.unsync_pages = new KList<KvmMmuPage>();
}
