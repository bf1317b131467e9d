/**
 * What a CPU does with a linear address, by the rules of the architecture (Intel SDM volume 3, chapter 4, "Paging") and nothing else.
 * It shares no code with the emulator: it is what the emulator is compared with. Numbers in brackets are sections of the manual.
 */

/** Paging modes [4.1.1]; `none` is CR0.PG = 0. */
export type PagingMode = 'none' | '32' | 'pae' | '64';

/** What control registers and CPUID say. */
export interface Processor {
  readonly mode: PagingMode;
  /** CR0.WP: supervisor code keeps to read-only pages. */
  readonly wp: boolean;
  /** CR4.PSE: 32-bit paging has pages of 4 MiB; other modes do not look at it. */
  readonly pse: boolean;
  /** CR4.SMEP: supervisor code does not execute user pages. */
  readonly smep: boolean;
  /** EFER.NXE: bit 63 forbids execution; 32-bit paging has no such bit. */
  readonly nxe: boolean;
  /** Width of physical addresses. There is no PSE-36, and there are pages of 1 GiB. */
  readonly maxphyaddr: number;
}

/** An access of software. Privilege level 3 is a user-mode access. */
export interface MemoryAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly cpl: 0 | 3;
}

/** An entry on the way of an address; level 1 is a PTE, 2 a PDE, 3 a PDPTE, 4 a PML4E. */
export interface Entry {
  readonly level: number;
  readonly value: bigint;
}

/** What has come of an access. `sets` and `may` are about the entries, without the PDPTE of PAE. */
export interface Answer {
  /** Error code of the page fault; -1 when there is none. */
  readonly error: number;
  /** Physical address that is accessed; -1 after a fault. */
  readonly address: number;
  /** For each entry, the bits that are set afterwards, besides those that were set before. */
  readonly sets: readonly bigint[];
  /** Bits that a CPU is free to set or not: it may note that it went through an entry although the access faulted in the end. */
  readonly may: readonly bigint[];
}

const BIT = (n: number): bigint => 1n << BigInt(n);
const PRESENT = BIT(0);
const WRITE = BIT(1);
const USER = BIT(2);
const ACCESSED = BIT(5);
const DIRTY = BIT(6);
const LARGE = BIT(7);
const EXECUTE_DISABLE = BIT(63);

/** Bits of a range, both ends included; none when it is empty. */
function bits(high: number, low: number): bigint {
  let mask = 0n;
  for (let n = low; n <= high; n++) mask |= BIT(n);
  return mask;
}

/** Bits of a page offset at a level: 12 for the smallest pages. */
const offsetBits = (mode: PagingMode, level: number): number => 12 + (mode === '32' ? 10 : 9) * (level - 1);

/** Whether an entry maps a page instead of pointing to a table [tables 4-4, 4-9, 4-15, 4-16]. */
function mapsPage(cpu: Processor, e: Entry): boolean {
  if (e.level === 1) return true;
  if ((e.value & LARGE) === 0n) return false;
  if (cpu.mode === '32') return e.level === 2 && cpu.pse;
  return e.level === 2 || (e.level === 3 && cpu.mode === '64');
}

/** Bits that must be clear in an entry that is present [4.3, 4.4.2, 4.5]. */
function reserved(cpu: Processor, e: Entry): bigint {
  const large = e.level > 1 && mapsPage(cpu, e);
  if (cpu.mode === '32') return large ? bits(21, 13) : 0n;
  // PAE has no bits for software above the address, the other one has those from 52 on.
  let mask = bits(cpu.mode === 'pae' ? 62 : 51, cpu.maxphyaddr);
  if (!cpu.nxe) mask |= EXECUTE_DISABLE;
  if (e.level === 4) mask |= LARGE;
  if (large) mask |= bits(offsetBits(cpu.mode, e.level) - 1, 13);
  return mask;
}

/** Whether the rights that all entries have together allow an access [4.6.1]. */
function allowed(cpu: Processor, entries: readonly Entry[], access: MemoryAccess): boolean {
  const all = (mask: bigint): boolean => entries.every((e) => (e.value & mask) !== 0n);
  const user_mode_address = all(USER);
  const no_execute = cpu.mode !== '32' && cpu.nxe && entries.some((e) => (e.value & EXECUTE_DISABLE) !== 0n);
  if (access.cpl === 3) {
    if (!user_mode_address) return false;
    if (access.kind === 'write') return all(WRITE);
    return access.kind === 'read' || !no_execute;
  }
  if (access.kind === 'read') return true;
  if (access.kind === 'write') return !cpu.wp || all(WRITE);
  return !no_execute && !(cpu.smep && user_mode_address);
}

/** The error code of a fault [4.7]. */
function errorCode(cpu: Processor, access: MemoryAccess, present: boolean, rsvd: boolean): number {
  const tells_fetches = cpu.smep || (cpu.mode !== '32' && cpu.nxe);
  return (
    (present ? 1 : 0) |
    (access.kind === 'write' ? 2 : 0) |
    (access.cpl === 3 ? 4 : 0) |
    (rsvd ? 8 : 0) |
    (access.kind === 'fetch' && tells_fetches ? 16 : 0)
  );
}

/**
 * Translates a linear address.
 * @param entries the entries that the address selects, from the highest table in memory down to level 1: those below an entry
 * that maps a page, or is not present, are not looked at. The PDPTE of PAE may be left out when it is present: it has no rights,
 * no A and no D, and its reserved bits are checked when CR3 is loaded [4.4.1]
 */
export function translate(
  cpu: Processor,
  entries: readonly Entry[],
  linear: number,
  access: MemoryAccess,
): Answer {
  const none = entries.map(() => 0n);
  if (cpu.mode === 'none') return { error: -1, address: linear % 2 ** 32, sets: none, may: none };
  const fault = (at: number, present: boolean, rsvd: boolean): Answer => ({
    error: errorCode(cpu, access, present, rsvd),
    address: -1,
    sets: none,
    may: entries.map((_, i) => (i < at ? ACCESSED : 0n)),
  });
  for (let i = 0; i < entries.length; i++) {
    const e = entries[i] as Entry;
    if ((e.value & PRESENT) === 0n) return fault(i, false, false);
    if (cpu.mode === 'pae' && e.level === 3) return translate(cpu, entries.slice(1), linear, access);
    if ((e.value & reserved(cpu, e)) !== 0n) return fault(i, true, true);
    if (!mapsPage(cpu, e)) continue;
    if (!allowed(cpu, entries.slice(0, i + 1), access)) return fault(i, true, false);
    const offset = offsetBits(cpu.mode, e.level);
    const frame = e.value & bits(cpu.mode === '32' ? 31 : cpu.maxphyaddr - 1, offset);
    return {
      error: -1,
      address: Number(frame) + (linear % 2 ** offset),
      // [4.8]
      sets: entries.map((_, k) =>
        k > i ? 0n : ACCESSED | (k === i && access.kind === 'write' ? DIRTY : 0n),
      ),
      may: none,
    };
  }
  throw new Error('the last entry is not of level 1');
}
