/** What enabling the dirty log does to the mappings that exist. */
import { read64, type Step, spin_lock, spin_unlock } from '../../../machine/index.js';
import { is_last_spte, is_writable_pte, PT_WRITABLE_MASK, spte_to_pfn } from '../bits.js';
import { kvm_set_pfn_dirty } from '../pfn.js';
import { peek_spte } from '../spte.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMemorySlot } from '../structures/memslot.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import { kvm_flush_remote_tlbs } from '../tlb.js';
import type { SwitchTable } from '../variant.js';
import { kvm_mmu_slot_remove_write_access } from '../write_protect.js';
import { kvm_arch_flush_shadow } from '../zap.js';

/** Write-protects all; large writable mappings are dropped, since the log counts small pages. */
function* drop_large(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  yield* kvm_mmu_slot_remove_write_access(kvm, memslot.id);
  yield* spin_unlock(kvm.mmu_lock);
}

/** Only clears W, also in large mappings. */
function* keep_large(kvm: Kvm, memslot: KvmMemorySlot): Step<void> {
  yield* spin_lock(kvm.mmu_lock);
  const pages = [...kvm.arch.active_mmu_pages.items()];
  for (let k = 0; k < pages.length; k++) {
    const sp = pages[k] as KvmMmuPage;
    if ((sp.slot_bitmap & (1n << BigInt(memslot.id))) === 0n) continue;
    for (let i = 0; i < 512; i++) {
      const sptep = sp.spt.at(i);
      if (!is_last_spte(peek_spte(sptep), sp.level) || !is_writable_pte(peek_spte(sptep))) continue;
      const spte = yield* read64(sptep);
      if (kvm.variant.dirty_track.protected_dirty(spte)) kvm_set_pfn_dirty(kvm, spte_to_pfn(spte));
      yield* kvm.variant.spte_update.update(kvm, sptep, spte, spte & ~PT_WRITABLE_MASK);
    }
  }
  yield* kvm.variant.slot_wp_flush(kvm);
  yield* spin_unlock(kvm.mmu_lock);
}

/** Drops every shadow page. */
function* zap_shadow(kvm: Kvm): Step<void> {
  yield* kvm_arch_flush_shadow(kvm);
}

export const enable_log: SwitchTable<(kvm: Kvm, memslot: KvmMemorySlot) => Step<void>> = {
  doc: 'What enabling the dirty log does to existing mappings: drops large ones and write-protects the others, keeps large ones, or drops all.',
  values: { 'drop-large': drop_large, 'keep-large': keep_large, 'zap-shadow': zap_shadow },
};

export const slot_wp: SwitchTable<(spte: bigint, level: number) => boolean> = {
  doc: 'Which entries of a table write-protecting a whole slot takes W from: those that map pages, or also those that point to tables.',
  values: { leaves: is_last_spte, 'all-entries': () => true },
};

function* no_flush(): Step<void> {}

export const slot_wp_flush: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether write-protecting a whole slot ends with a remote flush.',
  values: { yes: kvm_flush_remote_tlbs, no: no_flush },
};
