/** How all shadow pages are gone through while they go (F-05 of the specification). */
import type { Step } from '../../../machine/index.js';
import type { Kvm } from '../structures/kvm.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { SwitchTable } from '../variant.js';
import { kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page } from '../zap.js';

/** Pages are put on a list first, and the walk starts again after each. */
function* from_the_start(kvm: Kvm): Step<void> {
  const invalid_list: KvmMmuPage[] = [];
  const pages = [...kvm.arch.active_mmu_pages.items()];
  // One that is zapped with a page above it is on the list already.
  for (let k = 0; k < pages.length; k++)
    if (!invalid_list.includes(pages[k] as KvmMmuPage))
      yield* kvm_mmu_prepare_zap_page(kvm, pages[k] as KvmMmuPage, invalid_list);
  yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
}

/** The page after another one in the list of all; undefined where that is the last, or is in the list no more. */
function next_of(kvm: Kvm, sp: KvmMmuPage): KvmMmuPage | undefined {
  const pages = kvm.arch.active_mmu_pages.items();
  return pages.includes(sp) ? pages[pages.indexOf(sp) + 1] : undefined;
}

/** Each page is freed at once, and the walk goes on at the one that was the next before. */
function* from_the_next(kvm: Kvm): Step<void> {
  let sp = kvm.arch.active_mmu_pages.items()[0] as KvmMmuPage | undefined;
  while (sp !== undefined) {
    const next = next_of(kvm, sp);
    const invalid_list: KvmMmuPage[] = [];
    yield* kvm_mmu_prepare_zap_page(kvm, sp, invalid_list);
    yield* kvm_mmu_commit_zap_page(kvm, invalid_list);
    sp = next;
  }
}

export const zap_restart: SwitchTable<(kvm: Kvm) => Step<void>> = {
  doc: 'Whether a walk that zaps all shadow pages starts again when a page was zapped, since others may have gone with it, or goes on at the page that it had noted as the next.',
  values: { yes: from_the_start, no: from_the_next },
};
