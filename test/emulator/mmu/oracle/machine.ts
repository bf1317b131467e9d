/** A machine whose guest, shadowed or walked in two dimensions, tries one address with entries of all kinds. */

import { KVM_MMU_UNSYNC_PAGE } from '../../../../adapter/emulator/mmu/events.js';
import { guest_invlpg } from '../../../../adapter/emulator/mmu/guest/control.js';
import type { GuestAccess } from '../../../../adapter/emulator/mmu/guest/instruction.js';
import { guest_instruction } from '../../../../adapter/emulator/mmu/guest.js';
import { vm_zap_all } from '../../../../adapter/emulator/mmu/ioctl.js';
import { WORDS } from '../../../../adapter/machine/index.js';
import type { Act, Settings } from '../../harness.js';
import { type Args, Guest } from '../shadow/rig.js';
import { HUGE, LARGE, OTHER, SMALL, type Tables, VA } from './cases.js';
import type { Entry, MemoryAccess, PagingMode, Processor } from './reference.js';

const CR0_WP = 2 ** 16;
const CR4_PSE = 1 << 4;
const CR4_SMEP = 1 << 20;
const LOADED = 0x10;
const STORED = 0x18;
const MEMORY = 2 ** 24;
/** Levels of the tables that lie in memory and that accesses may change. */
const LEVELS: Readonly<Record<PagingMode, readonly number[]>> = {
  none: [],
  '32': [1, 2],
  pae: [1, 2],
  '64': [1, 2, 3, 4],
};

/** What the machine has made of an access. */
export interface Seen {
  readonly error: number;
  /** What a load found, or a store left, was at the right place. */
  readonly right: boolean;
}

export class Machine extends Guest {
  /** Tables of the address, from level 1 up. */
  readonly tables: Tables;
  /** Where its entries are, from level 1 up: guest physical addresses, and where the guest's kernel sees them. */
  private readonly gpas: number[];
  private readonly alias: number;
  private readonly ebytes: number;
  private stored = 0;
  /** How often a shadow page has been left to lag behind. */
  unsynced = 0;

  constructor(
    readonly mode: PagingMode,
    slot: Args = {},
    settings: Settings = {},
  ) {
    const paging = mode === 'none' ? 'nonpaging' : mode;
    const how: Settings = settings.paging === 'tdp' ? { guest_paging: paging } : { paging };
    super({ ...how, memory: MEMORY, ...settings });
    this.boot(MEMORY, slot);
    this.machine.listen([KVM_MMU_UNSYNC_PAGE], () => {
      this.unsynced++;
    });
    this.alias = mode === '64' ? 2 ** 39 : 2 ** 30;
    this.ebytes = mode === '32' ? 4 : 8;
    if (mode !== 'none') {
      this.map(VA, SMALL);
      this.map(this.alias, 0x1_0000, { pages: 16 });
    }
    this.gpas = LEVELS[mode].map((level) => this.at(VA, level));
    this.tables = this.gpas.map((gpa) => gpa - (gpa % 4096));
    // Different pages are told apart by what is in them.
    for (const page of [SMALL, OTHER, LARGE + (VA % 2 ** 22), LARGE + (VA % 2 ** 21), HUGE + VA])
      this.setup(this.mm('write_guest', { gpa: page + LOADED, value: page + LOADED }));
  }

  /** Loads the control registers. */
  load_registers(cpu: Processor): void {
    const v = this.vcpu();
    const { cr0, cr4 } = v.arch;
    const value = (cr4 & ~(CR4_PSE | CR4_SMEP)) | (cpu.pse ? CR4_PSE : 0) | (cpu.smep ? CR4_SMEP : 0);
    const wp = Math.floor(cr0 / CR0_WP) % 2;
    this.setup(
      this.op(v, 'set_cr0', { value: cr0 + ((cpu.wp ? 1 : 0) - wp) * CR0_WP }),
      this.op(v, 'set_cr4', { value }),
      this.op(v, 'set_efer_nx', { on: cpu.nxe }),
    );
  }

  /** The entries now, the highest first. */
  way(): Entry[] {
    return this.gpas.map((gpa, i) => ({ level: i + 1, value: this.gpte(gpa) })).reverse();
  }

  /** Drops all shadows, or what the CPU has cached, and puts entries into memory behind the back of everybody. */
  afresh(way: readonly Entry[]): void {
    this.setup(this.kvm.tdp ? this.flush() : () => vm_zap_all(this.kvm));
    for (const { level, value } of way) {
      const gpa = this.gpas[level - 1] as number;
      const pfn = Math.floor(this.host.pgd.$get(Math.floor(gpa / 4096)) / 4096);
      const pa = pfn * WORDS + Math.floor((gpa % 4096) / 8);
      const { phys } = this.machine;
      const shift = BigInt((gpa % 8) * 8);
      const mask = ((1n << BigInt(this.ebytes * 8)) - 1n) << shift;
      phys.$set(pa, (phys.$get(pa) & ~mask) | (value << shift));
    }
  }

  private instruction(
    what: GuestAccess['what'],
    addr: number,
    bytes: number,
    value: bigint,
    cpl: number,
  ): Act {
    const a: GuestAccess = { what, addr, bytes, value, old: 0n, cpl, page_table: true, gpte: false };
    return () => guest_instruction(this.vcpu(), a);
  }

  /** The guest's kernel changes entries, and flushes them: by INVLPG, by a load of cr3, or not at all. */
  change(way: readonly Entry[], by: 'invlpg' | 'cr3' | 'nothing'): void {
    const now = this.way();
    const acts = way
      .filter(({ value }, i) => value !== now[i]?.value)
      .map(({ level, value }) => {
        const at = this.alias + (this.gpas[level - 1] as number) - 0x1_0000;
        return this.instruction('stores', at, this.ebytes, value, 0);
      });
    if (by === 'cr3') acts.push(this.flush());
    if (by === 'invlpg') acts.push(() => guest_invlpg(this.vcpu(), VA));
    this.setup(...acts);
  }

  /** Makes an access. `address` is the physical one that it should get to. */
  access({ kind, cpl }: MemoryAccess, address: number, va = VA): Seen {
    if (kind === 'write') {
      const value = BigInt(++this.stored);
      this.setup(this.instruction('stores', va + STORED, 8, value, cpl));
      return { error: this.fault(), right: address < 0 || this.word(address + STORED) === value };
    }
    const what = kind === 'read' ? 'loads' : 'fetches';
    const [found] = this.setup(this.instruction(what, va + LOADED, 8, 0n, cpl));
    return {
      error: this.fault(),
      right: address < 0 || kind === 'fetch' || found === BigInt(address + LOADED),
    };
  }
}
