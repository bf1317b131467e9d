/** What the entries of a new shadow page hold before anything is mapped (specification, section 9.2 and Annex B). `mmu_lock` is held. */
import { type Step, WORDS } from '../../../machine/index.js';
import { PT_PAGE_TABLE_LEVEL } from '../bits.js';
import { gfn_to_page_atomic } from '../gfn_to_pfn.js';
import { is_present_gpte, PT32 } from '../guest/gpte.js';
import { guest_format } from '../guest/init_mmu.js';
import { bytes_of, kvm_read_guest_atomic } from '../guest/memory.js';
import { store_word } from '../hw/memory.js';
import type { KvmMmuPage } from '../structures/mmu_page.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { first_gpte_gpa } from './first_gpte.js';

/**
 * Marks the entries of a page whose faults KVM has to see, by what the guest table says at this moment: the others stay `notrap`.
 * One step reads a word of the table. Nobody can reach the page yet, so writing to it is none.
 */
export function* prefetch_page(vcpu: KvmVcpu, sp: KvmMmuPage): Step<void> {
  const { kvm } = vcpu;
  if (!kvm.bits.bypass_guest_pf) return;
  const trap = kvm.bits.shadow_trap_nonpresent_pte;
  const { type } = guest_format(vcpu);
  // An entry of 4 bytes above level 1 stands for two sptes: all of them exit.
  if (type === PT32 && sp.level > PT_PAGE_TABLE_LEVEL) {
    for (let i = 0; i < WORDS; i++) store_word(sp.spt.at(i), trap);
    return;
  }
  const first = first_gpte_gpa(type, sp);
  const per_word = 8 / type.bytes;
  let there = false;
  for (let i = 0; i < WORDS; i += per_word) {
    // The words that are read after one look at the host's page table.
    if ((i / per_word) % kvm.variant.prefetch_map === 0)
      there = (yield* gfn_to_page_atomic(kvm, sp.gfn)) >= 0;
    const word = there ? yield* kvm_read_guest_atomic(kvm, first + i * type.bytes, 8) : undefined;
    for (let k = 0; k < per_word; k++)
      if (word === undefined || is_present_gpte(bytes_of(word, k * type.bytes, type.bytes)))
        store_word(sp.spt.at(i + k), trap);
  }
}
