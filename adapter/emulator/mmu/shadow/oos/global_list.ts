/** Unsync pages of which a load of cr3 flushes nothing: they are kept on a list of their own (2.6.29). `mmu_lock` is held. */
import { KList, type Step, spin_lock, spin_unlock } from '../../../../machine/index.js';
import type { Mapping } from '../../set_spte.js';
import type { Kvm } from '../../structures/kvm.js';
import type { KvmMmuPage } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import { kvm_sync_page } from '../sync.js';
import { __kvm_unsync_page, kvm_mmu_mark_parents_unsync, kvm_unlink_unsync_page } from '../unsync.js';
import { above_leaves } from './write_protect.js';

const list = (kvm: Kvm): KList<KvmMmuPage> => kvm.arch.oos_global_pages as KList<KvmMmuPage>;
export const global_pages = (): KList<KvmMmuPage> => new KList<KvmMmuPage>();

/** A new page is global until an entry is installed that is not. */
export function created(vcpu: KvmVcpu, sp: KvmMmuPage): void {
  if (vcpu.kvm.variant.oos_global_pge(vcpu)) sp.global = true;
}

/** The page of a table that has just one goes unsync; nobody above is told of a global one. */
export function* unsync_single_or_global(vcpu: KvmVcpu, sps: readonly KvmMmuPage[]): Step<boolean> {
  const { kvm } = vcpu;
  const [sp] = sps as readonly [KvmMmuPage];
  if (sps.some(above_leaves)) return true;
  if (sp.unsync) return false;
  if (sps.some((other) => other.role !== sp.role)) return true;
  if (sp.global && !kvm.variant.oos_global_pge(vcpu)) sp.global = false;
  yield* __kvm_unsync_page(kvm, sp, !sp.global);
  if (!sp.global) return false;
  list(kvm).add(sp);
  kvm.stat.mmu_unsync_global++;
  return false;
}

function kvm_unlink_unsync_global(kvm: Kvm, sp: KvmMmuPage): void {
  list(kvm).del(sp);
  kvm.stat.mmu_unsync_global--;
}

/** A page is in sync again, or goes away. */
export function unlink(kvm: Kvm, sp: KvmMmuPage): void {
  if (sp.global) kvm_unlink_unsync_global(kvm, sp);
  kvm_unlink_unsync_page(kvm, sp);
}

/** The first entry that is not global makes its page one of the others, for good. */
export function* installing({ kvm }: KvmVcpu, sp: KvmMmuPage, { global }: Mapping): Step<void> {
  if (global || !sp.global) return;
  sp.global = false;
  if (!sp.unsync) return;
  kvm_unlink_unsync_global(kvm, sp);
  kvm_mmu_mark_parents_unsync(sp);
}

/** The guest flushes all of its TLB: syncs what is on the list. Takes `mmu_lock`. */
export function* kvm_mmu_sync_global(vcpu: KvmVcpu): Step<void> {
  const { kvm } = vcpu;
  yield* spin_lock(kvm.mmu_lock);
  for (let sp = list(kvm).items()[0]; sp !== undefined; sp = list(kvm).items()[0])
    yield* kvm_sync_page(vcpu, sp);
  yield* spin_unlock(kvm.mmu_lock);
}
