/** Instructions that change how the guest's addresses are translated, where the hardware walks the guest's tables: no exit. */
import { event_step, machine, type Step, WORDS } from '../../../machine/index.js';
import { vm_exit } from '../hw/exit.js';
import { flush_tlb, flush_tlb_entry } from '../hw/flush.js';
import { gpa_walk, newFound } from '../hw/gpa_walk.js';
import { load_word } from '../hw/memory.js';
import { Access, FILLED, INTERRUPTED } from '../hw/walk.js';
import { vcpu_end, vcpu_load, vcpu_ready } from '../operation.js';
import type { Cpu } from '../structures/cpu.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import {
  exit_reason,
  kvm_mmu_page_fault,
  vcpu_enter_guest,
  vcpu_exit_guest,
  vcpu_srcu_lock,
} from '../x86.js';
import { has, is_pae_paging, X86_CR4_PGE } from './control_registers.js';
import { gpte_pages } from './gpte.js';
import { guest_format, guest_is_paged } from './init_mmu.js';
import { check_pdpte, pdpte_gpa, set_pdptr } from './pdptrs.js';

/** Whether KVM hears of a load of cr3: it shadows the tables, or it runs on Intel and the guest has paging off. */
export const exits_for_cr3 = (vcpu: KvmVcpu): boolean =>
  !vcpu.kvm.tdp || (vcpu.kvm.walk.ept && !guest_is_paged(vcpu));
/** Whether KVM hears of INVLPG. */
export const exits_for_invlpg = ({ kvm }: KvmVcpu): boolean => !kvm.tdp && kvm.variant.invlpg.trapped;

/** Leaves the guest because the tables of KVM do not translate an address, and handles that. */
function* violation(vcpu: KvmVcpu, c: Cpu, gpa: number, fault: number): Step<boolean> {
  vm_exit(vcpu, c, exit_reason(vcpu, fault), fault & 31, gpa);
  yield* vcpu_exit_guest(vcpu, c);
  yield* vcpu_srcu_lock(vcpu);
  return yield* kvm_mmu_page_fault(vcpu, gpa, fault);
}

/** The CPU reads the four entries at a new cr3. Returns nothing when it has to start again. */
function* read_pdptes(vcpu: KvmVcpu, c: Cpu, cr3: number): Step<readonly bigint[] | undefined> {
  const pdptes: bigint[] = [];
  const found = newFound();
  for (let i = 0; i < 4; i++) {
    const gpa = pdpte_gpa(cr3, i);
    const fault = yield* gpa_walk(vcpu, c, gpa, Access.read, found);
    if (fault === INTERRUPTED) return undefined;
    if (fault !== FILLED) {
      if (yield* violation(vcpu, c, gpa, fault)) check_pdpte(vcpu, cr3, i, undefined);
      return undefined;
    }
    const pa = found.pfn * WORDS + (gpa % 4096) / 8;
    yield* event_step('reads an entry above the page directories', machine.phys, pa);
    if (c.guest !== vcpu) return undefined;
    pdptes.push(check_pdpte(vcpu, cr3, i, load_word(pa)));
  }
  return pdptes;
}

/** The CPU loads cr3, and forgets all that it has cached: it may, also what is global. */
export function* hw_set_cr3(vcpu: KvmVcpu, cr3: number): Step<void> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  for (;;) {
    while (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
    const pdptes: readonly bigint[] | undefined = is_pae_paging(vcpu) ? yield* read_pdptes(vcpu, c, cr3) : [];
    if (pdptes === undefined) continue;
    yield* event_step('loads cr3', vcpu.tlb);
    if (c.guest !== vcpu) continue;
    pdptes.forEach((pdpte, i) => {
      set_pdptr(vcpu, i, pdpte);
    });
    vcpu.arch.cr3 = cr3;
    vcpu.arch.guest_cr3 = cr3;
    for (const o of vcpu.kvm.observers.guestFlushes) o(vcpu, null, !has(vcpu.arch.cr4, X86_CR4_PGE));
    flush_tlb(vcpu, 'cr3 loaded');
    break;
  }
  vcpu_end(vcpu, c);
}

/** The CPU forgets one page: all that it has cached of it, which is more than one entry where its own pages are smaller. */
export function* hw_invlpg(vcpu: KvmVcpu, gva: number): Step<void> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  do {
    while (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
    yield* event_step('drops a page from the TLB', vcpu.tlb, Math.floor(gva / 4096));
  } while (c.guest !== vcpu);
  const vpn = Math.floor(gva / 4096);
  const { type } = guest_format(vcpu);
  for (const o of vcpu.kvm.observers.guestFlushes) o(vcpu, vpn, true);
  for (const e of vcpu.tlb.all()) {
    const pages = Math.max(2 ** (9 * (e.level - 1)), e.guest_level > 1 ? gpte_pages(type, e.guest_level) : 1);
    if (Math.floor(e.vpn / pages) === Math.floor(vpn / pages)) flush_tlb_entry(vcpu, e, 'INVLPG');
  }
  vcpu_end(vcpu, c);
}
