/** What guest code does: accesses to memory, through the TLB and the page walk of the hardware. */
import { event_step, machine, type Step, WORDS } from '../../machine/index.js';
import { vm_exit } from './hw/exit.js';
import { flush_tlb_entry } from './hw/flush.js';
import { load_word, store_word } from './hw/memory.js';
import { Access, FILLED, INTERRUPTED, page_walk } from './hw/walk.js';
import { vcpu_end, vcpu_load, vcpu_ready } from './operation.js';
import type { Cpu } from './structures/cpu.js';
import type { TlbEntry } from './structures/tlb.js';
import type { KvmVcpu } from './structures/vcpu.js';
import {
  exit_reason,
  kvm_mmu_page_fault,
  vcpu_enter_guest,
  vcpu_exit_guest,
  vcpu_srcu_lock,
  vcpu_srcu_unlock,
} from './x86.js';

const permits = (e: TlbEntry, access: Access): boolean =>
  access === Access.read || (access === Access.write ? e.writable && e.dirty : e.executable);

/** Gets a translation into the TLB, whatever it takes. Returns null when the access has to be emulated. */
function* translate(vcpu: KvmVcpu, c: Cpu, gpa: number, access: Access): Step<TlbEntry | null> {
  const gfn = Math.floor(gpa / 4096);
  for (;;) {
    if (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
    const e = vcpu.tlb.lookup(gfn);
    if (e !== undefined) {
      if (permits(e, access)) return e;
      flush_tlb_entry(vcpu, e, 'not enough rights');
    }
    const fault = yield* page_walk(vcpu, c, gpa, access);
    if (fault === FILLED || fault === INTERRUPTED) continue;
    const stale = vcpu.tlb.lookup(gfn);
    if (stale !== undefined) flush_tlb_entry(vcpu, stale, 'fault');
    vm_exit(vcpu, c, exit_reason(vcpu, fault), fault & 31, gpa);
    yield* vcpu_exit_guest(vcpu, c);
    vcpu_srcu_lock(vcpu);
    if (yield* kvm_mmu_page_fault(vcpu, gpa, fault)) return null;
  }
}

/** What guest code does with a word. */
export type Instruction = 'loads' | 'stores' | 'fetches' | 'compares and exchanges';

/** Rights that an instruction needs. A failed comparison is a store to the hardware all the same. */
const needs = (what: Instruction): Access =>
  what === 'loads' ? Access.read : what === 'fetches' ? Access.exec : Access.write;

/**
 * Runs one instruction of the guest on the word at `gpa`; an address that no slot has reads as 0, and keeps nothing.
 * @param value what is stored
 * @param old   what must be there for an exchange
 * @returns what was loaded, or was there before an exchange
 */
export function* guest_instruction(
  vcpu: KvmVcpu,
  what: Instruction,
  gpa: number,
  value = 0n,
  old = 0n,
): Step<bigint | undefined> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  const access = needs(what);
  const gfn = Math.floor(gpa / 4096);
  let result: bigint | undefined;
  for (;;) {
    let e: TlbEntry | null | undefined = c.guest === vcpu ? vcpu.tlb.lookup(gfn) : undefined;
    if (e === undefined || !permits(e, access)) e = yield* translate(vcpu, c, gpa, access);
    if (e === null) {
      result = emulate(vcpu, what);
      break;
    }
    const pa = (e.pfn + gfn - e.gfn) * WORDS + (gpa % 4096) / 8;
    yield* event_step(what, machine.phys, pa);
    // An interrupt that came first has thrown the instruction away: it starts again.
    if (c.guest === vcpu) {
      result = access_memory(vcpu, what, gpa, pa, value, old);
      break;
    }
  }
  vcpu_end(vcpu, c);
  return result;
}

/** Does what the instruction is for. */
function access_memory(
  vcpu: KvmVcpu,
  what: Instruction,
  gpa: number,
  pa: number,
  value: bigint,
  old: bigint,
): bigint | undefined {
  if (what === 'fetches') return undefined;
  const seen = what === 'stores' ? undefined : load_word(pa);
  if (what === 'loads' || (seen !== undefined && seen !== old)) return seen;
  store_word(pa, value);
  vcpu.kvm.emulator_stat.guest_stores++;
  const { guestStored } = vcpu.kvm.observers;
  for (let i = 0; i < guestStored.length; i++) guestStored[i]?.(vcpu, gpa, Math.floor(pa / WORDS));
  return seen;
}

/** Userspace emulates an access to an address that no slot has. */
function emulate(vcpu: KvmVcpu, what: Instruction): bigint | undefined {
  vcpu.stat.mmio_exits++;
  vcpu.kvm.emulator_stat.mmio_pf++;
  vcpu_srcu_unlock(vcpu);
  return what === 'loads' || what === 'compares and exchanges' ? 0n : undefined;
}

/** Goes into guest mode and stays there. */
export function* vcpu_run(vcpu: KvmVcpu): Step<void> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  while (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
  vcpu_end(vcpu, c);
}

/** Leaves guest mode for userspace. */
export function* vcpu_pause(vcpu: KvmVcpu): Step<void> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  if (c.guest === vcpu) {
    vm_exit(vcpu, c, 'EXTERNAL_INTERRUPT', 0, 0);
    yield* vcpu_exit_guest(vcpu, c);
  }
  vcpu_end(vcpu, c);
}
