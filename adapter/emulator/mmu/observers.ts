/**
 * What happens inside the emulator, for those who check it. Every list is called in order, inside the step that did it, after
 * the change is in memory. An observer changes nothing in the kernel's state, and keeps what it remembers in journaled objects
 * (`machine.journal`), so that going back takes that back as well.
 */
import type { Thread } from '../../machine/index.js';
import type { GuestAccess } from './guest/instruction.js';
import type { Page } from './structures/host.js';
import type { KvmMemorySlot } from './structures/memslot.js';
import type { KvmMmuPage } from './structures/mmu_page.js';
import type { TlbEntry } from './structures/tlb.js';
import type { KvmVcpu } from './structures/vcpu.js';

export class Observers {
  /** A word of a shadow page has a new value. */
  readonly spteWritten: ((sp: KvmMmuPage, sptep: number, old: bigint, value: bigint) => void)[] = [];
  /** An spte is about to map a guest frame by a frame of the host: where slots share memory, the word does not tell which. */
  readonly mapping: ((sptep: number, gfn: number, pfn: number) => void)[] = [];
  /** A vCPU has cached a translation. */
  readonly tlbFilled: ((vcpu: KvmVcpu, entry: TlbEntry) => void)[] = [];
  /** A vCPU has dropped a translation. */
  readonly tlbRemoved: ((vcpu: KvmVcpu, entry: TlbEntry) => void)[] = [];
  /** The host has given a frame back. Words of it may no longer be reached by any guest. */
  readonly frameFreed: ((pfn: number) => void)[] = [];
  /** The host has written a page back, or found it clean: from now on it holds nothing that is not in swap. */
  readonly pageCleaned: ((page: Page) => void)[] = [];
  /** KVM has told the host that a frame was written (`kvm_set_pfn_dirty`), or used (`kvm_set_pfn_accessed`). */
  readonly pfnDirty: ((pfn: number) => void)[] = [];
  readonly pfnAccessed: ((pfn: number) => void)[] = [];
  /** A bit of a slot's dirty bitmap was set; `rel` counts from the first page of the slot. */
  readonly dirtySet: ((slot: KvmMemorySlot, rel: number) => void)[] = [];
  /** A harvest has taken a word of the bitmap: bits `64 * word` on. They are in the snapshot, not yet delivered. */
  readonly dirtyTaken: ((slot: KvmMemorySlot, word: number, bits: bigint) => void)[] = [];
  /** A harvest has cleared a word of the bitmap in which these bits were set. */
  readonly dirtyCleared: ((slot: KvmMemorySlot, word: number, bits: bigint) => void)[] = [];
  /** A harvest has delivered its snapshot to userspace. */
  readonly dirtyDelivered: ((slot: KvmMemorySlot, words: readonly bigint[]) => void)[] = [];
  /** A guest has stored to a frame. */
  readonly guestStored: ((vcpu: KvmVcpu, gpa: number, pfn: number) => void)[] = [];
  /** The process (or a device) has stored to a frame through its own mapping. */
  readonly hostStored: ((pfn: number) => void)[] = [];
  /** KVM has stored to guest memory for an instruction of the guest that it emulates. */
  readonly emulatedStored: ((vcpu: KvmVcpu, gpa: number, pfn: number) => void)[] = [];
  /** An emulated exchange has found the value that it is to replace, and stores next (where that is not one access). */
  readonly emulatedCompared: ((vcpu: KvmVcpu, gpa: number, a: GuestAccess) => void)[] = [];
  /** A word of guest memory has been written, by whomever; `pa` is its word address. Only told where the guest has page tables. */
  readonly memoryWritten: ((pa: number) => void)[] = [];
  /** The hardware reads an entry of a guest table, in a table that nobody shadows. */
  readonly gpteRead: ((vcpu: KvmVcpu, gpa: number) => void)[] = [];
  /** KVM has brought the shadow pages up to date with such a store. */
  readonly emulatedSeen: ((vcpu: KvmVcpu) => void)[] = [];
  /** Guest code accesses memory through a cached translation of the page `vpn`, in this step. */
  readonly guestAccessed: ((vcpu: KvmVcpu, entry: TlbEntry, a: GuestAccess) => void)[] = [];
  /** The guest begins to flush what it has cached: all of it, or the translation of one page. */
  readonly guestFlushes: ((vcpu: KvmVcpu, vpn: number | null, global: boolean) => void)[] = [];
  /** A shadow page of a guest table is new, goes unsync, is synced, or is zapped. */
  readonly tableChanged: ((sp: KvmMmuPage) => void)[] = [];
  /** A vCPU has brought up to date all that its roots reach; it still holds `mmu_lock`. */
  readonly rootsSynced: ((vcpu: KvmVcpu) => void)[] = [];
  /** A thread has begun or ended an operation of this subsystem. Nobody is inside while all have ended. */
  readonly operationBegun: ((thread: Thread) => void)[] = [];
  readonly operationEnded: ((thread: Thread) => void)[] = [];
  /** A flush was requested of a vCPU, and it has emptied its TLB. */
  readonly flushRequested: ((vcpu: KvmVcpu) => void)[] = [];
  readonly flushDone: ((vcpu: KvmVcpu) => void)[] = [];
  /** A walk of shadow tables goes on in a frame that is none; `through` says how it came there. */
  readonly wentAstray: ((pfn: number, through: string) => void)[] = [];
  /** A vCPU that has no root uses the register as if it had one; `how` completes the sentence "vcpu n ...". */
  readonly noRootUsed: ((vcpu: KvmVcpu, how: string) => void)[] = [];
  /** A shadow page is being taken apart. */
  readonly pageZapped: ((sp: KvmMmuPage) => void)[] = [];
  /** The shrinker was to look at this virtual machine, which has pages, and has taken none, of this one or of another. */
  readonly shrunkInVain: ((nr_to_scan: number) => void)[] = [];
  /** A vCPU starts to run guest code: what its TLB holds is in use from now on. */
  readonly guestEntered: ((vcpu: KvmVcpu) => void)[] = [];
  /** A page fault has gone straight to the guest, which is about to look at its tables. */
  readonly guestFaulted: ((vcpu: KvmVcpu) => void)[] = [];
  /** An entry of the host's page table has changed; `vpn` is the number of its page. */
  readonly hostPteChanged: ((vpn: number, old: number, pte: number) => void)[] = [];
  /** The fast path has made an spte writable, and has not yet set the bit for `gfn`; then it has. */
  readonly fastPathFixed: ((vcpu: KvmVcpu, gfn: number) => void)[] = [];
  readonly fastPathMarked: ((vcpu: KvmVcpu, gfn: number) => void)[] = [];
}
