/** Unsync pages as first posted in 2008 (specification, section 11.3, `rfc`), as one scheme. `mmu_lock` is held. */
import { KArray, type Step } from '../../../../machine/index.js';
import type { Mapping } from '../../set_spte.js';
import type { KvmMmuPage } from '../../structures/mmu_page.js';
import type { KvmVcpu } from '../../structures/vcpu.js';
import type { OutOfSync } from '../../variants/oos.js';
import { created, lookup, mmu_sync_root } from './root.js';
import { kvm_drop_unsync_children, kvm_mmu_sync_global, kvm_sync_page } from './sync.js';
import { kvm_unlink_unsync_page, mmu_need_write_protect, OOS_GLOBAL_PAGES } from './unsync.js';

function* nothing(): Step<void> {}

/** An entry is about to be installed. The first one that is not global makes its page one of the others; nothing ever reverts that. */
function* installing(vcpu: KvmVcpu, sp: KvmMmuPage, { global }: Mapping): Step<void> {
  sp.inuse = true;
  if (global || !sp.global) return;
  if (sp.unsync) yield* kvm_sync_page(vcpu, sp);
  sp.global = false;
}

/** The roots are synced when cr3 is loaded, since patch 10. */
function* sync_root(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  if (vcpu.kvm.variant.oos_patches.sync_roots) yield* mmu_sync_root(vcpu, sp);
}

export const rfc: OutOfSync = {
  need_write_protect: mmu_need_write_protect,
  lookup,
  created,
  adopted: nothing,
  linking: nothing,
  flooding_level: 1,
  installing,
  installed: (sp) => {
    sp.inuse = false;
  },
  sync_root,
  sync_global: kvm_mmu_sync_global,
  zap_children: kvm_drop_unsync_children,
  unlink: kvm_unlink_unsync_page,
  global_pages: () => new KArray<KvmMmuPage | null>(OOS_GLOBAL_PAGES, null),
  marks_parents: false,
  counts_global_apart: true,
};
