/** A booted virtual machine for tests, with words for what its threads do. */
import assert from 'node:assert/strict';
import { MmuInstance, mmu } from '../../../adapter/emulator/mmu/index.js';
import { checkInvariants, type InvariantChecks } from '../../../adapter/emulator/mmu/invariants/index.js';
import { leafOf } from '../../../adapter/emulator/mmu/queries.js';
import type { Memslot } from '../../../adapter/emulator/mmu/structures/memslot.js';
import { page_header, type Spte, viewOf } from '../../../adapter/emulator/mmu/structures/spt.js';
import type { TlbEntry } from '../../../adapter/emulator/mmu/structures/tlb.js';
import type { KvmVcpu } from '../../../adapter/emulator/mmu/structures/vcpu.js';
import {
  Bitmap,
  type Failure,
  type KObject,
  Lock,
  Op,
  type Thread,
  WORDS,
} from '../../../adapter/machine/index.js';
import { type Act, Rig, type Settings } from '../harness.js';

const VERBS: Partial<Record<Op, string>> = {
  [Op.read]: 'R',
  [Op.write]: 'W',
  [Op.xchg]: 'XCHG',
  [Op.cmpxchg]: 'CAS',
  [Op.or]: 'BIT',
  [Op.and]: 'BIT',
  [Op.add]: 'IPI',
  [Op.acquire]: 'lock',
  [Op.release]: 'unlock',
  [Op.until]: 'wait',
};

export class Vm extends Rig {
  declare readonly instance: MmuInstance;
  slot!: Memslot;
  private rules: InvariantChecks | null = null;

  constructor(settings: Settings = {}, journal = 0) {
    super(mmu, settings, journal);
    assert.ok(this.instance instanceof MmuInstance);
  }

  /** From now on, rules are checked after every step. */
  protected obey(names: readonly string[]): void {
    this.rules = checkInvariants(this.machine, this.kvm, names);
  }
  override step(t: Thread): boolean {
    if (!super.step(t)) return false;
    this.rules?.afterStep();
    return true;
  }
  /** Checks the rules now, without a step: after the state was changed by hand. */
  look(): Failure | null {
    this.rules?.afterStep();
    return this.machine.failure;
  }
  /** What the rules say when all threads have ended. */
  end(): Failure | null {
    this.rules?.atEnd();
    return this.machine.failure;
  }

  get kvm() {
    return this.instance.kvm;
  }
  get host() {
    return this.kvm.mm;
  }
  vcpu(n = 0): KvmVcpu {
    return this.instance.vcpus[n] as KvmVcpu;
  }

  /** Operations, by the names that scenarios use. */
  write = (addr: number, value: number | bigint, n = 0): Act =>
    this.op(this.vcpu(n), 'write', { addr, value });
  read = (addr: number, n = 0): Act => this.op(this.vcpu(n), 'read', { addr });
  vm = (name: string, args: Readonly<Record<string, unknown>> = {}): Act => this.op(this.kvm, name, args);
  mm = (name: string, args: Readonly<Record<string, unknown>> = {}): Act => this.op(this.host, name, args);
  harvest = (): Act => this.vm('get_dirty_log', { slot: this.slot });

  /** Makes a slot at 0 of so many bytes. */
  memslot(size = 2 ** 20, args: Readonly<Record<string, unknown>> = {}): this {
    this.slot = this.setup(this.vm('memslot', { base: 0, size, ...args }))[0] as Memslot;
    return this;
  }

  /** The entry that maps a frame now. */
  spte(gfn: number, n = 0): Spte {
    return viewOf(this.kvm.bits, leafOf(this.kvm, this.vcpu(n), gfn));
  }
  /** What a vCPU has cached for a frame. */
  tlb(gfn: number, n = 0): TlbEntry | undefined {
    return this.vcpu(n).tlb.lookup(gfn);
  }
  /** Pages that are marked now. */
  marked(): number[] {
    return this.slot.dirty_bitmap?.ones() ?? [];
  }
  /** Pages in a report. */
  static pages(report: unknown): number[] {
    assert.ok(report instanceof Bitmap);
    return report.ones();
  }

  /** What a thread does next, in the words of the specification's step tables. */
  next(t: Thread): string {
    if (t.op === Op.barrier) return String(t.a);
    const verb = VERBS[t.op] ?? String(t.op);
    if (t.obj instanceof Lock) return `${verb} ${t.obj.name}`;
    if (t.op === Op.until) return `${verb}: ${String(t.b)}`;
    return `${verb} ${this.target(t.obj as KObject, t.slot)}`;
  }

  private target(obj: KObject, slot: number): string {
    if (obj === this.machine.phys) {
      const sp = page_header(slot);
      return sp?.$name === 'kvm_mmu_page' ? `spte${sp.level}` : 'memory';
    }
    if (obj === this.kvm.mm.pgd) return 'host pte';
    if (obj instanceof Bitmap) return `bitmap[${slot}]`;
    return obj.$slotName(slot);
  }

  /** Runs a thread until `there`, and returns its steps. Reads that repeat the one before are left out. */
  steps(t: Thread, there: () => boolean = () => t.ended): string[] {
    const all: string[] = [];
    let last = '';
    this.until(t, () => {
      if (there()) return true;
      if (!this.machine.runnable(t) || t.op === Op.statement) {
        if (t.op === Op.until) all.push(this.next(t));
        return false;
      }
      const what = `${this.next(t)}@${t.slot}`;
      if (what !== last || !what.startsWith('R ')) all.push(this.next(t));
      last = what;
      return false;
    });
    return all.filter((s, i) => s !== all[i - 1] || !s.startsWith('wait'));
  }

  /** The steps from the first that begins with `from` to the last that begins with `to`. */
  static between(all: readonly string[], from: string, to: string): string[] {
    const a = all.findIndex((s) => s.startsWith(from));
    const b = all.findLastIndex((s) => s.startsWith(to));
    assert.ok(a >= 0 && b >= a, `no ${from} .. ${to} in ${all.join(', ')}`);
    return all.slice(a, b + 1);
  }

  /** The word of guest memory that the process would see now; 0 when its page is not in memory. */
  word(gpa: number): bigint {
    const pte = this.host.pgd.$get(Math.floor(gpa / 4096));
    return pte === 0 ? 0n : this.machine.phys.$get(Math.floor(pte / 4096) * WORDS + (gpa % 4096) / 8);
  }
}
