/** A guest with page tables of its own, for tests. */
import { gpte_address, look_at_guest } from '../../../../adapter/emulator/mmu/guest/tables.js';
import type { KvmMmuPage } from '../../../../adapter/emulator/mmu/structures/mmu_page.js';
import type { Act, Settings } from '../../harness.js';
import { Vm } from '../rig.js';

/** Paging modes with guest tables, and the bytes of an entry in each. */
export const MODES = ['32', 'pae', '64'] as const;
export type Args = Readonly<Record<string, unknown>>;

export const P = 1n;
export const W = 2n;
export const U = 4n;
export const A = 0x20n;
export const D = 0x40n;

export class Guest extends Vm {
  /** Root table of the guest. */
  cr3 = 0;

  constructor(settings: Settings = {}, journal = 0) {
    super({ paging: '64', ...settings }, journal);
  }

  /** Makes memory and an empty root table, which all vCPUs load. */
  boot(size = 2 ** 22, args: Args = {}): this {
    this.memslot(size, args);
    this.cr3 = this.newTable();
    for (const v of this.instance.vcpus) this.setup(this.op(v, 'set_cr3', { value: this.cr3 }));
    return this;
  }
  newTable(): number {
    return this.setup(this.vm('new_table'))[0] as number;
  }

  /** Maps pages before the guest runs; returns where the first entry is. */
  map(va: number, gpa: number, args: Args = {}): number {
    const at = this.setup(this.vm('map', { cr3: this.cr3, va, gpa, ...args }))[0] as number;
    // A PAE guest has its highest entries in registers, since the load of cr3.
    if (this.vcpu().arch.mmu.root_level === 3)
      this.setup(...this.instance.vcpus.map((_, n) => this.setCr3(this.cr3, n)));
    return at;
  }
  /** Where the entry of an address is. */
  at(va: number, level = 1, cr3 = this.cr3): number {
    return gpte_address(this.kvm, this.vcpu(), cr3, va, level);
  }
  /** An entry of the guest tables, as it is now. */
  gpte(gpa: number): bigint {
    return look_at_guest(this.kvm, gpa, this.vcpu().arch.mmu.root_level === 2 ? 4 : 8);
  }
  bytes(): number {
    return this.vcpu().arch.mmu.root_level === 2 ? 4 : 8;
  }

  /** Operations of vCPU `n`, with all their arguments. */
  store = (addr: number, value: number | bigint, args: Args = {}, n = 0): Act =>
    this.op(this.vcpu(n), 'write', { addr, value, ...args });
  load = (addr: number, args: Args = {}, n = 0): Act => this.op(this.vcpu(n), 'read', { addr, ...args });
  exec = (addr: number, args: Args = {}, n = 0): Act => this.op(this.vcpu(n), 'exec', { addr, ...args });
  setCr3 = (value: number, n = 0): Act => this.op(this.vcpu(n), 'set_cr3', { value });
  flush = (n = 0): Act => this.op(this.vcpu(n), 'flush');
  invlpg = (addr: number, n = 0): Act => this.op(this.vcpu(n), 'invlpg', { addr });

  /** Error code of the last access's fault; -1 without one. */
  fault(n = 0): number {
    return this.vcpu(n).arch.exception.error_code;
  }
  /** Shadow pages of a guest frame that are valid. */
  sps(gfn: number, level = 0): KvmMmuPage[] {
    return this.kvm.arch.mmu_page_hash
      .bucket(gfn)
      .filter((sp) => sp.gfn === gfn && !sp.invalid && !sp.direct && (level === 0 || sp.level === level));
  }
}
