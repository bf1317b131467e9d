/** The page walk of the hardware (specification, section 2.2). Not kernel code: it looks at words, one for each step. */
import { event_step, machine, type Step, WORDS } from '../../../machine/index.js';
import { PT32E_ROOT_LEVEL, type SpteBits } from '../bits.js';
import { hw_smep } from '../guest/control_registers.js';
import { shadow_walk_init } from '../lockless_walk.js';
import type { Cpu } from '../structures/cpu.js';
import { gfn_at, type KvmMmuPage, kvm_mmu_page } from '../structures/mmu_page.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { store_entry } from './memory.js';

/** What the instruction does. */
export enum Access {
  read,
  write,
  exec,
}

/** What comes of a walk: the entry is in the TLB; an interrupt came first; or a fault, with these numbers added. */
export const FILLED = -1;
export const INTERRUPTED = -2;
/** The entry is not well-formed: on EPT an exit of its own, also for entries that KVM made so to mark addresses without memory. */
export const MISCONFIG = -3;

/** What is read where no table is. */
export const NOTHING = new Uint32Array(2 * WORDS);
export const P = 1;
export const W = 2;
export const X_EPT = 4;
const U = 4;
export const PS = 1 << 7;
/** Memory types that exist. */
const LEGAL_TYPES = new Set([0, 1, 4, 5, 6]);

/** What the walk of a format has to know, as numbers. */
export interface WalkBits {
  readonly ept: boolean;
  /** The tables shadow those of the guest: they know of user code. */
  readonly shadow: boolean;
  /** The guest has page tables of its own, or can have: what a TLB keeps is found by virtual address. */
  readonly paged: boolean;
  /** 0 when the hardware does not note accesses. */
  readonly accessed: number;
  readonly dirty: number;
}

/** Bits for page walks. `guest_paging` says that the guest can have tables that nobody shadows. */
export const walkBits = (bits: SpteBits, guest_paging: boolean): WalkBits => ({
  ept: bits.format === 'ept',
  shadow: bits.format === 'shadow',
  paged: bits.format === 'shadow' || guest_paging,
  accessed: Number(bits.shadow_accessed_mask),
  dirty: Number(bits.shadow_dirty_mask),
});

export const frameOf = (low: number, high: number): number => (low >>> 12) + (high & 0xfffff) * 2 ** 20;

/** Whether an entry is well-formed. */
export function legal(b: WalkBits, low: number, high: number, leaf: boolean): boolean {
  if (!b.ept) return (high & 0x7fff0000) === 0;
  if ((low & (P | W)) === W) return false;
  return !leaf || LEGAL_TYPES.has((low >> 3) & 7);
}

/** Rights that the entries of a walk leave together. */
export interface Rights {
  readonly writable: boolean;
  readonly executable: boolean;
  readonly user: boolean;
}

/** Whether rights allow an access. Supervisor code does not execute what user code may use, where the guest wants that. */
export function allows(r: Rights, access: Access, cpl: number, smep: boolean): boolean {
  if (cpl === 3 && !r.user) return false;
  if (access === Access.write) return r.writable;
  return access === Access.read || (r.executable && !(smep && cpl < 3 && r.user));
}

/** Whether a cached translation is enough for an access of guest code. */
export const permits = (vcpu: KvmVcpu, e: TlbEntry, access: Access, cpl: number): boolean =>
  vcpu.kvm.walk.paged
    ? allows(e, access, cpl, hw_smep(vcpu)) && (access !== Access.write || e.dirty)
    : access === Access.read || (access === Access.write ? e.writable && e.dirty : e.executable);

/**
 * Walks the tables for an address and fills the TLB. Returns `FILLED`, `INTERRUPTED`, `MISCONFIG`, or the error code of a fault
 * (P: the walk reached a page; W, U, F: what was attempted; RSVD: an entry was not well-formed).
 */
export function* page_walk(vcpu: KvmVcpu, c: Cpu, gpa: number, access: Access, cpl: number): Step<number> {
  const b = vcpu.kvm.walk;
  const { phys } = machine;
  const attempted =
    (access === Access.write ? 2 : access === Access.exec ? 16 : 0) | (b.shadow && cpl === 3 ? 4 : 0);
  for (;;) {
    let first_entry = vcpu.arch.mmu.root_hpa / 8;
    let level = vcpu.arch.mmu.shadow_root_level;
    // The four entries above roots of level 2 are in registers of the CPU.
    if (level === PT32E_ROOT_LEVEL) {
      const start = shadow_walk_init(vcpu, gpa);
      if (start.level === 0) return attempted;
      first_entry = start.table / 8;
      level = start.level;
    }
    let pa = 0;
    let low = 0;
    let high = 0;
    let writable = true;
    let executable = true;
    let user = true;
    for (;;) {
      pa = first_entry + (Math.floor(gpa / 2 ** (3 + 9 * level)) % WORDS);
      yield* event_step('walks the tables', phys, pa);
      if (c.guest !== vcpu) return INTERRUPTED;
      if (machine.watcher !== null) machine.watcher.touched(phys, pa, false);
      const halves = phys.frameOf(pa)?.halves ?? NOTHING;
      low = halves[2 * (pa % WORDS)] as number;
      high = halves[2 * (pa % WORDS) + 1] as number;
      if (b.ept ? (low & 7) === 0 : (low & P) === 0) return attempted;
      const leaf = level === 1 || (low & PS) !== 0;
      if (!legal(b, low, high, leaf)) return b.ept ? MISCONFIG : attempted | P | 8;
      writable &&= (low & W) !== 0;
      executable &&= b.ept ? (low & X_EPT) !== 0 : high >>> 31 === 0;
      user &&= b.ept || (low & U) !== 0;
      if (leaf) break;
      // Entries above the leaf have A set by KVM; nobody clears it there.
      first_entry = frameOf(low, high) * WORDS;
      level--;
    }
    const denied = b.shadow
      ? !allows({ writable, executable, user }, access, cpl, hw_smep(vcpu))
      : (access === Access.write && !writable) || (access === Access.exec && !executable);
    if (denied) return attempted | P;

    const want = (low | b.accessed | (access === Access.write ? b.dirty : 0)) >>> 0;
    if (want !== low) {
      yield* event_step('sets the A and D bits', phys, pa);
      if (c.guest !== vcpu) return INTERRUPTED;
      if (phys.low(pa) !== low || phys.high(pa) !== high) continue;
      store_entry(pa, (BigInt(high) << 32n) | BigInt(want));
    }
    yield* event_step('fills the TLB', vcpu.tlb, Math.floor(gpa / 4096));
    if (c.guest !== vcpu) return INTERRUPTED;
    fill(vcpu, gpa, level, frameOf(want, high), pa, { writable, executable, user }, want, b);
    return FILLED;
  }
}

function fill(
  vcpu: KvmVcpu,
  gpa: number,
  level: number,
  pfn: number,
  pa: number,
  { writable, executable, user }: Rights,
  word: number,
  b: WalkBits,
): void {
  const vpn = Math.floor(gpa / 4096);
  const e: TlbEntry = vcpu.tlb.entryFor(vpn - (vpn % 2 ** (9 * (level - 1))), level);
  const accessed = b.accessed === 0 || (word & b.accessed) !== 0;
  const dirty = b.dirty === 0 || (word & b.dirty) !== 0;
  // Most often the entry is filled with what it held before: reading is cheaper than writing what goes into the journal.
  if (b.paged) {
    const gfn = gfn_behind(pa, e.vpn);
    if (e.gfn !== gfn) e.gfn = gfn;
    if (e.user !== user) e.user = user;
    if (e.guest_level !== 0) e.guest_level = 0;
  }
  if (e.pfn !== pfn) e.pfn = pfn;
  if (e.writable !== writable) e.writable = writable;
  if (e.executable !== executable) e.executable = executable;
  if (e.accessed !== accessed) e.accessed = accessed;
  if (e.dirty !== dirty) e.dirty = dirty;
  if (e.sptep !== pa) e.sptep = pa;
  cache(vcpu, e);
}

/** Puts an entry that is filled in into the TLB. */
export function cache(vcpu: KvmVcpu, e: TlbEntry): void {
  vcpu.tlb.insert(e);
  vcpu.kvm.emulator_stat.tlb_fills++;
  const { tlbFilled } = vcpu.kvm.observers;
  for (let i = 0; i < tlbFilled.length; i++) tlbFilled[i]?.(vcpu, e);
}

/** The guest frame that an entry maps. The hardware does not know it: it is noted for people, and for the rules. */
function gfn_behind(pa: number, otherwise: number): number {
  const owner = machine.phys.frameOf(pa)?.owner;
  if (!(owner instanceof kvm_mmu_page)) return otherwise;
  return gfn_at(owner as unknown as KvmMmuPage, pa % WORDS);
}
