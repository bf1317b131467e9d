/**
 * The page walk of the hardware in two dimensions: through the tables of the guest, each of whose entries lies at a guest physical
 * address that the tables of KVM translate. Faults of the guest's own tables go to the guest without an exit.
 */
import { event_step, machine, type Step, WORDS } from '../../../machine/index.js';
import {
  PT_ACCESSED_MASK,
  PT_DIRTY_MASK,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  PT32E_ROOT_LEVEL,
  PT64_NX_MASK,
} from '../bits.js';
import { is_smep, is_write_protection } from '../guest/control_registers.js';
import {
  type GuestFormat,
  gpte_pages,
  gpte_to_gfn,
  gpte_to_gfn_lvl,
  is_dirty_gpte,
  is_last_gpte,
  is_present_gpte,
  is_rsvd_bits_set,
  PT_INDEX,
} from '../guest/gpte.js';
import { guest_format, guest_is_paged } from '../guest/init_mmu.js';
import { bytes_of, memory_written, with_bytes } from '../guest/memory.js';
import type { Cpu } from '../structures/cpu.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { type Found, gpa_walk, newFound } from './gpa_walk.js';
import { load_word, store_word } from './memory.js';
import { Access, allows, cache, FILLED, INTERRUPTED, type Rights } from './walk.js';

/** What has come of a walk. */
export interface Nested {
  /** As of `page_walk`; `GUEST_FAULT` when the tables of the guest forbid the access. */
  readonly fault: number;
  /** The guest physical address of an exit. */
  readonly gpa: number;
  /** The error code of a fault that goes to the guest. */
  readonly error_code: number;
}
export const GUEST_FAULT = -4;

const exits = (fault: number, gpa: number): Nested => ({ fault, gpa, error_code: -1 });
const DONE = exits(FILLED, -1);
const STOPPED = exits(INTERRUPTED, -1);

/** An access, as the walk sees it. */
interface Attempt {
  readonly gva: number;
  readonly access: Access;
  readonly cpl: number;
}

/** An entry of a guest table, and where it was found. */
interface Entry {
  gpa: number;
  /** Word address, by the tables of KVM. */
  pa: number;
  gpte: bigint;
  level: number;
}

/** Whether the hardware walks the tables of the guest as well. */
export const walks_guest_tables = (vcpu: KvmVcpu): boolean =>
  vcpu.kvm.walk.paged && !vcpu.kvm.walk.shadow && guest_is_paged(vcpu);

function guest_fault(vcpu: KvmVcpu, f: GuestFormat, { access, cpl }: Attempt, why: number): Nested {
  const tells_fetches = f.nx || is_smep(vcpu);
  const error_code =
    why |
    (access === Access.write ? 2 : 0) |
    (cpl === 3 ? 4 : 0) |
    (access === Access.exec && tells_fetches ? 16 : 0);
  return { fault: GUEST_FAULT, gpa: -1, error_code };
}

/** Where a walk begins, as the entry of a level above: cr3, or a register that was loaded with it. */
function root_of(vcpu: KvmVcpu, f: GuestFormat, gva: number): Entry {
  const pae = f.root_level === PT32E_ROOT_LEVEL;
  const gpte = pae ? vcpu.arch.mmu.pdptrs.at(Math.floor(gva / 2 ** 30) % 4) : BigInt(vcpu.arch.guest_cr3);
  return { gpa: -1, pa: -1, gpte, level: f.root_level - (pae ? 1 : 0) };
}

/** Reads one entry. Returns what ends the walk; `DONE` when nothing does. */
function* read_gpte(vcpu: KvmVcpu, c: Cpu, f: GuestFormat, at: Entry, found: Found): Step<Nested> {
  // Where its own tables have A and D bits, and always on AMD, the hardware takes every look at a guest table for a store.
  const access = vcpu.kvm.walk.dirty === 0 ? Access.read : Access.write;
  const fault = yield* gpa_walk(vcpu, c, at.gpa, access, found);
  if (fault !== FILLED) return fault === INTERRUPTED ? STOPPED : exits(fault, at.gpa);
  at.pa = found.pfn * WORDS + Math.floor((at.gpa % 4096) / 8);
  yield* event_step('walks the tables of the guest', machine.phys, at.pa);
  if (c.guest !== vcpu) return STOPPED;
  for (const o of vcpu.kvm.observers.gpteRead) o(vcpu, at.gpa);
  at.gpte = bytes_of(load_word(at.pa), at.gpa % 8, f.type.bytes);
  return DONE;
}

/** Sets bits in an entry. Returns what ends the walk; undefined when the entry is not any more what it was. */
function* set_gpte_bits(
  vcpu: KvmVcpu,
  c: Cpu,
  f: GuestFormat,
  at: Entry,
  found: Found,
  want: bigint,
): Step<Nested | undefined> {
  if (want === at.gpte) return DONE;
  if (!found.writable) return exits(3, at.gpa);
  yield* event_step('sets A and D in the table of the guest', machine.phys, at.pa);
  if (c.guest !== vcpu) return STOPPED;
  const word = load_word(at.pa);
  const offset = at.gpa % 8;
  if (bytes_of(word, offset, f.type.bytes) !== at.gpte) return undefined;
  store_word(at.pa, with_bytes(word, offset, f.type.bytes, want));
  for (const o of vcpu.kvm.observers.guestStored) o(vcpu, at.gpa, found.pfn);
  memory_written(vcpu.kvm, at.pa);
  at.gpte = want;
  return DONE;
}

/**
 * Walks both dimensions for a virtual address of the guest, sets A and D in the guest's entries and in those of KVM, and fills the
 * TLB with what both together give.
 */
export function* nested_page_walk(
  vcpu: KvmVcpu,
  c: Cpu,
  gva: number,
  access: Access,
  cpl: number,
): Step<Nested> {
  const a: Attempt = { gva, access, cpl };
  for (;;) {
    const ended = yield* walk_once(vcpu, c, a);
    if (ended !== undefined) return ended;
  }
}

/** One attempt; undefined when an entry that was to get a bit has changed, and all has to be done again. */
function* walk_once(vcpu: KvmVcpu, c: Cpu, a: Attempt): Step<Nested | undefined> {
  const f = guest_format(vcpu);
  const { type } = f;
  const found = newFound();
  const at = root_of(vcpu, f, a.gva);
  if (f.root_level === PT32E_ROOT_LEVEL && !is_present_gpte(at.gpte)) return guest_fault(vcpu, f, a, 0);
  let all = PT_WRITABLE_MASK | PT_USER_MASK;
  let nx = false;
  for (; ; at.level--) {
    at.gpa = gpte_to_gfn(type, at.gpte) * 4096 + PT_INDEX(type, a.gva, at.level) * type.bytes;
    const read = yield* read_gpte(vcpu, c, f, at, found);
    if (read !== DONE) return read;
    if (!is_present_gpte(at.gpte)) return guest_fault(vcpu, f, a, 0);
    if (is_rsvd_bits_set(f, at.gpte, at.level)) return guest_fault(vcpu, f, a, 1 | 8);
    all &= at.gpte;
    nx ||= f.nx && (at.gpte & PT64_NX_MASK) !== 0n;
    if (is_last_gpte(f, at.gpte, at.level)) break;
    const set = yield* set_gpte_bits(vcpu, c, f, at, found, at.gpte | PT_ACCESSED_MASK);
    if (set !== DONE) return set;
  }
  const rights: Rights = {
    writable: (all & PT_WRITABLE_MASK) !== 0n,
    user: (all & PT_USER_MASK) !== 0n,
    executable: !nx,
  };
  // The supervisor stores to read-only pages where CR0.WP is clear.
  const writable = rights.writable || (a.cpl < 3 && !is_write_protection(vcpu));
  if (!allows({ ...rights, writable }, a.access, a.cpl, is_smep(vcpu))) return guest_fault(vcpu, f, a, 1);
  const bits = PT_ACCESSED_MASK | (a.access === Access.write ? PT_DIRTY_MASK : 0n);
  const set = yield* set_gpte_bits(vcpu, c, f, at, found, at.gpte | bits);
  if (set !== DONE) return set;

  const gfn =
    gpte_to_gfn_lvl(type, at.gpte, at.level) + (Math.floor(a.gva / 4096) % gpte_pages(type, at.level));
  const gpa = gfn * 4096 + (a.gva % 4096);
  const fault = yield* gpa_walk(vcpu, c, gpa, a.access, found);
  if (fault !== FILLED) return fault === INTERRUPTED ? STOPPED : exits(fault, gpa);
  yield* event_step('fills the TLB', vcpu.tlb, Math.floor(a.gva / 4096));
  if (c.guest !== vcpu) return STOPPED;
  fill(vcpu, a, gfn, at, rights, found);
  return DONE;
}

/** Caches what both dimensions give together: the smaller page, and the rights that both leave. */
function fill(vcpu: KvmVcpu, a: Attempt, gfn: number, at: Entry, rights: Rights, found: Found): void {
  const vpn = Math.floor(a.gva / 4096);
  const level = at.level > 1 && found.level > 1 ? 2 : 1;
  const offset = vpn % 2 ** (9 * (level - 1));
  const e: TlbEntry = vcpu.tlb.entryFor(vpn - offset, level);
  // Such a store makes an entry that serves stores and loads of the supervisor only: others find that they need one of their own.
  const against_w = a.access === Access.write && !rights.writable;
  e.gfn = gfn - offset;
  e.pfn = found.pfn - offset;
  e.guest_level = at.level;
  e.writable = found.writable && (rights.writable || against_w);
  e.user = rights.user && !against_w;
  e.executable = found.executable && rights.executable && !against_w;
  e.accessed = true;
  e.dirty = found.dirty && is_dirty_gpte(at.gpte);
  e.sptep = found.sptep;
  cache(vcpu, e);
}
