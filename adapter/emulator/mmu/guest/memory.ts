/** Guest memory as KVM reaches it: through the mapping of the process that runs the guest. */
import { event_step, machine, mutex_lock, mutex_unlock, type Step, WORDS } from '../../../machine/index.js';
import { gfn_to_hva_memslot } from '../gfn_to_pfn.js';
import { handle_mm_fault } from '../host/fault.js';
import { load_word, store_word } from '../hw/memory.js';
import { memslot_is_visible, search_memslots } from '../memslot.js';
import { _PAGE_DIRTY, pte_dirty, pte_pfn, pte_present, pte_write } from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';

/** The host address of a guest address; -1 where no slot has it. The caller is a reader of kvm.srcu, or holds `mmu_lock`. */
export function gpa_to_hva(kvm: Kvm, gpa: number): number {
  const gfn = Math.floor(gpa / 4096);
  const slot = search_memslots(kvm.memslots, gfn);
  return memslot_is_visible(slot) ? gfn_to_hva_memslot(slot, gfn) + (gpa % 4096) : -1;
}

const usable = (pte: number, write: boolean): boolean => pte_present(pte) && (!write || pte_write(pte));
const pteOf = (kvm: Kvm, hva: number): number => kvm.mm.pgd.$load(Math.floor(hva / 4096)) as number;
const wordAt = (pte: number, hva: number): number => pte_pfn(pte) * WORDS + Math.floor((hva % 4096) / 8);

/**
 * Takes the step of one access of the process to its own memory, faulting the page in as often as that is needed. Returns the
 * word address to be accessed within that step.
 */
function* user_access(kvm: Kvm, what: string, hva: number, write: boolean): Step<number> {
  for (;;) {
    const before = pteOf(kvm, hva);
    if (!usable(before, write)) {
      yield* mutex_lock(kvm.mm.mmap_sem);
      yield* handle_mm_fault(kvm, hva, write);
      yield* mutex_unlock(kvm.mm.mmap_sem);
      continue;
    }
    const pa = wordAt(before, hva);
    yield* event_step(what, machine.phys, pa);
    const now = pteOf(kvm, hva);
    if (usable(now, write) && wordAt(now, hva) === pa) return pa;
  }
}

/** The bytes of a word from `offset` on. */
export const bytes_of = (word: bigint, offset: number, bytes: number): bigint =>
  BigInt.asUintN(bytes * 8, word >> BigInt(offset * 8));

/** A word in which some bytes have another value. */
export function with_bytes(word: bigint, offset: number, bytes: number, value: bigint): bigint {
  const mask = ((1n << BigInt(bytes * 8)) - 1n) << BigInt(offset * 8);
  return (word & ~mask) | ((value << BigInt(offset * 8)) & mask);
}

/** Stores to a word behind an address of the process, within the step of the access. */
function put_user(kvm: Kvm, hva: number, pa: number, word: bigint): void {
  store_word(pa, word);
  const vpn = Math.floor(hva / 4096);
  const pte = pteOf(kvm, hva);
  if (!pte_dirty(pte)) kvm.mm.pgd.$store(vpn, pte + _PAGE_DIRTY);
  for (const o of kvm.observers.hostStored) o(Math.floor(pa / WORDS));
  memory_written(kvm, pa);
}

/** A word of guest memory has changed, whoever did it. */
export function memory_written(kvm: Kvm, pa: number): void {
  for (const o of kvm.observers.memoryWritten) o(pa);
}

/** Reads 1 to 8 bytes that lie in one word of guest memory; undefined where no slot has the address. */
export function* kvm_read_guest(kvm: Kvm, gpa: number, bytes: number): Step<bigint | undefined> {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0) return undefined;
  const pa = yield* user_access(kvm, 'reads guest memory', hva, false);
  return bytes_of(load_word(pa), gpa % 8, bytes);
}

/** The same under `mmu_lock`, where no page can be faulted in: undefined also where the page is not there. */
export function* kvm_read_guest_atomic(kvm: Kvm, gpa: number, bytes: number): Step<bigint | undefined> {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0 || !pte_present(pteOf(kvm, hva))) return undefined;
  yield* event_step('reads guest memory', machine.phys, wordAt(pteOf(kvm, hva), hva));
  const pte = pteOf(kvm, hva);
  return pte_present(pte) ? bytes_of(load_word(wordAt(pte, hva)), gpa % 8, bytes) : undefined;
}

/** Sets bits of guest memory under `mmu_lock`; nothing happens where the page is not there. */
export function* set_guest_bits_atomic(kvm: Kvm, gpa: number, bits: bigint, bytes: number): Step<void> {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0 || !usable(pteOf(kvm, hva), true)) return;
  yield* event_step('sets bits of guest memory', machine.phys, wordAt(pteOf(kvm, hva), hva));
  const pte = pteOf(kvm, hva);
  if (!usable(pte, true)) return;
  const pa = wordAt(pte, hva);
  const word = load_word(pa);
  const value = bytes_of(word, gpa % 8, bytes) | bits;
  put_user(kvm, hva, pa, with_bytes(word, gpa % 8, bytes, value));
}

/** Stores 1 to 8 bytes that lie in one word of guest memory. Returns the frame of the host; -1 where no slot has the address. */
export function* kvm_write_guest(kvm: Kvm, gpa: number, value: bigint, bytes: number): Step<number> {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0) return -1;
  const pa = yield* user_access(kvm, 'writes guest memory', hva, true);
  put_user(kvm, hva, pa, with_bytes(load_word(pa), gpa % 8, bytes, value));
  return Math.floor(pa / WORDS);
}

/** Exchanges bytes of guest memory if `old` is there. Returns what was there; undefined where no slot has the address. */
export function* cmpxchg_guest(
  kvm: Kvm,
  gpa: number,
  old: bigint,
  value: bigint,
  bytes: number,
): Step<bigint | undefined> {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0) return undefined;
  const pa = yield* user_access(kvm, 'exchanges guest memory', hva, true);
  const word = load_word(pa);
  const seen = bytes_of(word, gpa % 8, bytes);
  if (seen === old) put_user(kvm, hva, pa, with_bytes(word, gpa % 8, bytes, value));
  return seen;
}
