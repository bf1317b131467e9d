/** Building guest page tables, as whoever loads the guest does it: plain stores to guest memory that KVM does not see. */
import { Fault, machine, type Step, WORDS } from '../../../machine/index.js';
import {
  PT_ACCESSED_MASK,
  PT_PAGE_SIZE_MASK,
  PT_PRESENT_MASK,
  PT_USER_MASK,
  PT_WRITABLE_MASK,
  PT32E_ROOT_LEVEL,
} from '../bits.js';
import { host_begin, operation_end } from '../operation.js';
import { srcu_read_lock, srcu_read_unlock } from '../srcu.js';
import { pte_pfn, pte_present, type SwapEntry } from '../structures/host.js';
import type { Kvm } from '../structures/kvm.js';
import { hex } from '../structures/pointer.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import {
  type GuestFormat,
  gpte_pages,
  gpte_to_gfn,
  is_last_gpte,
  is_present_gpte,
  PT_INDEX,
} from './gpte.js';
import { guest_format } from './init_mmu.js';
import { bytes_of, gpa_to_hva, kvm_read_guest, kvm_write_guest } from './memory.js';

/** A range of virtual addresses, and what its last entries are to say besides the frame. */
export interface GuestMapping {
  readonly cr3: number;
  readonly va: number;
  readonly gpa: number;
  readonly pages: number;
  /** Size of the pages: 1 for 4 KiB, 2 for 2 MiB (4 MiB in a 32-bit guest), 3 for 1 GiB. */
  readonly level: number;
  readonly bits: bigint;
}

/** What an entry that points to a table says: everything is allowed, for the entries below to restrict. */
const TABLE = PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK | PT_ACCESSED_MASK;

/** Takes the next page for a table. */
function take_table(kvm: Kvm): number {
  const gpa = kvm.guest_tables;
  if (gpa_to_hva(kvm, gpa) < 0)
    throw new Fault(
      'usage',
      'no memory for tables',
      `guest tables are put at guest physical address ${hex(gpa)}, which is in no memory slot: make one with vm.memslot, or write \`use mmu { guest_tables: ADDRESS }\``,
    );
  kvm.guest_tables = gpa + 4096;
  return gpa;
}

/** A new, empty table of the guest. Returns its guest physical address. */
export function* vm_new_table(kvm: Kvm): Step<number> {
  const c = yield* host_begin(kvm);
  const gpa = take_table(kvm);
  operation_end(kvm, c);
  return gpa;
}

/** Level of the tables whose address cr3 holds. */
const top_of = (f: GuestFormat): number => f.root_level;

/** Address of the entry of a virtual address at a level; tables that are missing on the way are made. */
function* entry_for(kvm: Kvm, f: GuestFormat, cr3: number, va: number, level: number): Step<number> {
  let table = cr3 - (cr3 % (f.root_level === PT32E_ROOT_LEVEL ? 32 : 4096));
  for (let at = top_of(f); ; at--) {
    const gpa = table + PT_INDEX(f.type, va, at) * f.type.bytes;
    if (at === level) return gpa;
    const gpte = (yield* kvm_read_guest(kvm, gpa, f.type.bytes)) ?? 0n;
    if (is_present_gpte(gpte) && at < PT32E_ROOT_LEVEL && is_last_gpte(f, gpte, at))
      throw new Fault(
        'usage',
        'a large page is in the way',
        `${hex(va)} is mapped by a large page at level ${at}`,
      );
    if (is_present_gpte(gpte)) table = gpte_to_gfn(f.type, gpte) * 4096;
    else {
      table = take_table(kvm);
      // The entries above the page directories of a PAE guest have no rights.
      const bits = f.root_level === PT32E_ROOT_LEVEL && at === PT32E_ROOT_LEVEL ? PT_PRESENT_MASK : TABLE;
      yield* kvm_write_guest(kvm, gpa, BigInt(table) | bits, f.type.bytes);
    }
  }
}

/** Maps a range in the tables that begin at `cr3`. Returns the guest physical address of the first entry. */
export function* vm_map(kvm: Kvm, vcpu: KvmVcpu, m: GuestMapping): Step<number> {
  const f = guest_format(vcpu);
  const c = yield* host_begin(kvm);
  const idx = srcu_read_lock(kvm.srcu);
  const size = gpte_pages(f.type, m.level) * 4096;
  const bits = m.bits | (m.level > 1 ? PT_PAGE_SIZE_MASK : 0n);
  let first = -1;
  for (let i = 0; i < m.pages; i++) {
    const at = yield* entry_for(kvm, f, m.cr3, m.va + i * size, m.level);
    if (first < 0) first = at;
    yield* kvm_write_guest(kvm, at, BigInt(m.gpa + i * size) | bits, f.type.bytes);
  }
  srcu_read_unlock(kvm.srcu, idx);
  operation_end(kvm, c);
  return first;
}

/** Bytes of guest memory as they are, in a frame or in swap, without an access of anybody's; 0 where there never was a page. */
export function look_at_guest(kvm: Kvm, gpa: number, bytes: number): bigint {
  const hva = gpa_to_hva(kvm, gpa);
  if (hva < 0) return 0n;
  const vpn = Math.floor(hva / 4096);
  const index = Math.floor((gpa % 4096) / 8);
  const pte = kvm.mm.pgd.$look(vpn) as number;
  if (pte_present(pte)) return bytes_of(machine.phys.$look(pte_pfn(pte) * WORDS + index), gpa % 8, bytes);
  const saved = kvm.mm.swap.$look(vpn) as SwapEntry | undefined;
  return bytes_of(saved?.find(([i]) => i === index)?.[1] ?? 0n, gpa % 8, bytes);
}

/** Address of the entry of a virtual address at a level; -1 where the tables do not reach so far. */
export function gpte_address(kvm: Kvm, vcpu: KvmVcpu, cr3: number, va: number, level: number): number {
  const f = guest_format(vcpu);
  let table = cr3 - (cr3 % (f.root_level === PT32E_ROOT_LEVEL ? 32 : 4096));
  for (let at = top_of(f); at >= level; at--) {
    const gpa = table + PT_INDEX(f.type, va, at) * f.type.bytes;
    if (at === level) return gpa;
    const gpte = look_at_guest(kvm, gpa, f.type.bytes);
    if (!is_present_gpte(gpte) || is_last_gpte(f, gpte, at)) return -1;
    table = gpte_to_gfn(f.type, gpte) * 4096;
  }
  return -1;
}
