/** What guest code does: accesses to memory, through the TLB and the page walk of the hardware. */
import { event_step, machine, type Step, WORDS } from '../../machine/index.js';
import { PFERR_PRESENT_MASK } from './fast_page_fault.js';
import { type Emulated, x86_emulate_instruction } from './guest/emulate.js';
import { type GuestAccess, rights_of } from './guest/instruction.js';
import { bytes_of, memory_written, with_bytes } from './guest/memory.js';
import { guest_page_fault, page_fault_in_guest } from './guest/page_fault.js';
import { count_store } from './guest/stores.js';
import { vm_exit } from './hw/exit.js';
import { flush_tlb_entry } from './hw/flush.js';
import { load_word, store_word } from './hw/memory.js';
import { GUEST_FAULT, type Nested, nested_page_walk, walks_guest_tables } from './hw/nested_walk.js';
import { FILLED, INTERRUPTED, page_walk, permits } from './hw/walk.js';
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

/** What has come of an instruction: what it loaded, or saw; `fault` when the guest has got a page fault instead. */
export interface Outcome {
  readonly fault: boolean;
  readonly value: bigint | undefined;
}
const FAULT: Outcome = { fault: true, value: undefined };
const done = (value: bigint | undefined): Outcome => ({ fault: false, value });

/**
 * Gets a translation into the TLB, whatever it takes. Returns what has come of the instruction when it was emulated, or has
 * ended in a page fault of the guest's.
 */
export function* translate(vcpu: KvmVcpu, c: Cpu, a: GuestAccess): Step<TlbEntry | Outcome> {
  const vpn = Math.floor(a.addr / 4096);
  const access = rights_of(a.what);
  let retried = false;
  for (;;) {
    if (c.guest !== vcpu) yield* vcpu_enter_guest(vcpu, c);
    if (vcpu.arch.exception.pending) {
      vcpu.arch.exception.pending = false;
      return FAULT;
    }
    const e = vcpu.tlb.lookup(vpn);
    if (e !== undefined) {
      if (permits(vcpu, e, access, a.cpl)) return e;
      flush_tlb_entry(vcpu, e, 'not enough rights');
    }
    let { addr } = a;
    let fault: number;
    if (walks_guest_tables(vcpu)) {
      const nested: Nested = yield* nested_page_walk(vcpu, c, addr, access, a.cpl);
      if (nested.fault === GUEST_FAULT) {
        page_fault_in_guest(vcpu, addr, nested.error_code);
        return FAULT;
      }
      fault = nested.fault;
      addr = nested.gpa;
    } else fault = yield* page_walk(vcpu, c, addr, access, a.cpl);
    if (fault === FILLED || fault === INTERRUPTED) continue;
    const stale = vcpu.tlb.lookup(vpn);
    if (stale !== undefined) flush_tlb_entry(vcpu, stale, 'fault');
    if ((fault & PFERR_PRESENT_MASK) === 0 && vcpu.kvm.bits.bypass_guest_pf) {
      if (yield* guest_page_fault(vcpu, c, a, fault)) return FAULT;
      continue;
    }
    vm_exit(vcpu, c, exit_reason(vcpu, fault), fault & 31, addr);
    yield* vcpu_exit_guest(vcpu, c);
    yield* vcpu_srcu_lock(vcpu);
    if (!(yield* kvm_mmu_page_fault(vcpu, addr, fault))) continue;
    const emulated: Emulated = yield* x86_emulate_instruction(vcpu, a, retried);
    if (emulated.done) {
      // Whoever waits for readers must not wait for the guest's next instruction.
      yield* vcpu_srcu_unlock(vcpu);
      return done(emulated.value);
    }
    retried = true;
  }
}

/** Whether that was a translation. */
export const isEntry = (t: TlbEntry | Outcome): t is TlbEntry => !('fault' in t);

/** Whether all that is to be told of an instruction is that it was done. */
const only_done = (a: GuestAccess): boolean => a.what === 'stores' || a.what === 'fetches';

/** What a scenario gets of an instruction: what it loaded, or whether it was done; a load that faults gives -1. */
function result_of(a: GuestAccess, { fault, value }: Outcome): bigint | number | boolean | undefined {
  if (only_done(a)) return !fault;
  return fault ? -1 : value;
}

/**
 * Runs one instruction of the guest on memory. An address that no slot has reads as 0, and keeps nothing.
 * @returns what it loaded, or saw there before an exchange, -1 when the guest got a page fault instead; of a store or a fetch
 * whether it was done
 */
export function* guest_instruction(
  vcpu: KvmVcpu,
  a: GuestAccess,
): Step<bigint | number | boolean | undefined> {
  const c = vcpu_ready(vcpu) ?? (yield* vcpu_load(vcpu));
  if (vcpu.arch.exception.error_code >= 0) vcpu.arch.exception.error_code = -1;
  const vpn = Math.floor(a.addr / 4096);
  const access = rights_of(a.what);
  for (;;) {
    let e = c.guest === vcpu ? vcpu.tlb.lookup(vpn) : undefined;
    if (e === undefined || !permits(vcpu, e, access, a.cpl)) {
      const translated: TlbEntry | Outcome = yield* translate(vcpu, c, a);
      if (!isEntry(translated)) {
        vcpu_end(vcpu, c);
        return result_of(a, translated);
      }
      e = translated;
    }
    const pa = (e.pfn + vpn - e.vpn) * WORDS + Math.floor((a.addr % 4096) / 8);
    const gpa = (e.gfn + vpn - e.vpn) * 4096 + (a.addr % 4096);
    yield* event_step(a.what, machine.phys, pa);
    // An interrupt that came first has thrown the instruction away: it starts again.
    if (c.guest === vcpu) {
      const value = access_memory(vcpu, e, a, gpa, pa);
      vcpu_end(vcpu, c);
      return only_done(a) ? true : value;
    }
  }
}

/** Does what the instruction is for, through a cached translation; `pa` is the address of the word. */
export function access_memory(
  vcpu: KvmVcpu,
  e: TlbEntry,
  a: GuestAccess,
  gpa: number,
  pa: number,
): bigint | undefined {
  if (vcpu.kvm.walk.paged) for (const o of vcpu.kvm.observers.guestAccessed) o(vcpu, e, a);
  const { what, value, old, bytes } = a;
  if (what === 'fetches') return undefined;
  const whole = bytes === 8;
  const word = whole && what === 'stores' ? 0n : load_word(pa);
  const seen = what === 'stores' ? undefined : bytes_of(word, gpa % 8, bytes);
  if (what === 'loads' || (seen !== undefined && seen !== old)) return seen;
  store_word(pa, whole ? value : with_bytes(word, gpa % 8, bytes, value));
  const { kvm } = vcpu;
  count_store(kvm, a, gpa);
  const { guestStored } = kvm.observers;
  for (let i = 0; i < guestStored.length; i++) guestStored[i]?.(vcpu, gpa, Math.floor(pa / WORDS));
  if (kvm.walk.paged) memory_written(kvm, pa);
  return seen;
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
    vcpu.kvm.emulator_stat.exits_by_reason.host++;
    yield* vcpu_exit_guest(vcpu, c);
  }
  vcpu_end(vcpu, c);
}
