/** Small guest kernels that change their own page tables at random, with every rule checked. */
import assert from 'node:assert/strict';
import type { Thread } from '../../../../adapter/machine/index.js';
import type { Act, Settings } from '../../harness.js';
import { ALL, random } from '../invariants/checked.js';
import { Guest } from './rig.js';

/** Where the guest sees its data, and where its tables. */
const DATA = 0x40_0000;
const TABLES = 0x80_0000;
const PAGES = 4;
/** Frames of the data. */
const FRAME = 0x20_0000;

/** Bits of the entries that guests write. */
const ENTRIES = [0x67n, 0x67n, 0x27n, 0x07n, 0x65n, 0x63n, 0x25n, 0n];

export class Kernel extends Guest {
  /** Two roots that share the table of the data. */
  roots: number[] = [];
  /** Where the entries of the data are: the first of the table, and the one that points to it. */
  private leaf = 0;
  private pde = 0;

  constructor(
    settings: Settings = {},
    names: readonly string[] = ALL,
    private readonly entries: readonly bigint[] = ENTRIES,
  ) {
    super(settings);
    this.obey(names);
  }

  /** Maps data and tables, and a second root with the same entries as the first. */
  start(slot: Settings = {}): this {
    this.boot(2 ** 22, slot);
    this.map(DATA, FRAME, { pages: PAGES });
    this.map(TABLES, 0x1_0000, { pages: 16 });
    const other = this.newTable();
    const words = this.bytes() === 4 ? 8 : 4;
    for (let i = 0; i < (words === 8 ? 512 : 8); i++) {
      const value = this.word(this.cr3 + i * 8);
      if (value !== 0n) this.setup(this.mm('write_guest', { gpa: other + i * 8, value }));
    }
    this.roots = [this.cr3, other];
    this.leaf = this.at(DATA);
    this.pde = this.at(DATA, 2);
    for (const v of this.instance.vcpus) this.setup(this.op(v, 'set_cr3', { value: this.cr3 }));
    // What was absent when a vCPU loaded the tables was filled behind the back of KVM.
    if (this.kvm.bits.bypass_guest_pf) this.setup(this.vm('zap_all'));
    return this;
  }

  /** A random thing that the guest's kernel or its programs do. */
  act(pick: (n: number) => number, n: number, verbs: string): Act {
    const page = pick(PAGES);
    const va = DATA + page * 4096 + 8 * pick(2);
    const cpl = pick(2) * 3;
    const at = this.leaf + page * this.bytes();
    const { pde } = this;
    const seen = (gpa: number) => TABLES + gpa - 0x1_0000;
    const bytes = this.bytes();
    const frame = BigInt(FRAME + pick(PAGES) * 4096);
    const gpte = frame | this.entries[pick(this.entries.length)]!;
    switch (verbs[pick(verbs.length)]) {
      case 'w':
        return this.store(va, 7, { cpl }, n);
      case 'x':
        return this.exec(va - (va % 8), { cpl }, n);
      case 'p':
        return this.store(seen(at), gpte, { bytes }, n);
      case 'P':
        return this.store(seen(at), gpte, { bytes, page_table: false }, n);
      case 'b':
        return this.store(seen(at), 0x67, { bytes: 1 }, n);
      case 'd':
        return this.store(
          seen(pde),
          (this.gpte(pde) & ~0x1fn) | [0x07n, 0x05n, 0n, 0x07n][pick(4)]!,
          { bytes },
          n,
        );
      case 'c':
        return this.setCr3(this.roots[pick(2)] as number, n);
      case 'f':
        return this.flush(n);
      case 'i':
        return this.invlpg(va, n);
      case 'W':
        return this.op(this.vcpu(n), 'set_cr0', { value: 2 ** 31 + 1 + pick(2) * 2 ** 16 });
      default:
        return this.load(va, { cpl }, n);
    }
  }
  /** A random thing that the host does. */
  hostAct(pick: (n: number) => number): Act {
    const gpa = pick(3) === 0 ? 0x1_0000 + pick(8) * 4096 : FRAME + pick(PAGES) * 4096;
    switch (pick(6)) {
      case 0:
        return this.mm('swap_out', { hva: gpa });
      case 1:
        return this.mm('age', { hva: gpa });
      case 2:
        return this.mm('make_readonly', { hva: gpa });
      case 3:
        return this.slot.dirty_bitmap === null ? this.mm('swap_in', { hva: gpa }) : this.harvest();
      case 4:
        return this.mm('change_pte', { hva: gpa, readonly: true });
      default:
        return this.vm('zap_all');
    }
  }
}

/** Runs threads by chance; returns what was broken. */
export function play(
  vm: Kernel,
  threads: readonly Thread[],
  pick: (n: number) => number,
  limit = 40_000,
): void {
  const all = [...threads, ...vm.machine.threads.filter((t) => t.daemon)];
  let t = threads[0] as Thread;
  for (let steps = 0; steps < limit && vm.machine.failure === null; steps++) {
    if (!vm.machine.runnable(t) || pick(6) === 0) {
      const ready = all.filter((x) => vm.machine.runnable(x));
      if (ready.length === 0) break;
      t = ready[pick(ready.length)] as Thread;
    }
    vm.step(t);
  }
  const failure = vm.machine.failure ?? (threads.every((x) => x.ended) ? vm.end() : null);
  assert.equal(failure === null ? '' : `${failure.rule}: ${failure.message}\n${failure.report}`, '');
  for (const x of threads) assert.ok(x.ended, `${x.name} ${x.describe()}`);
}

/** One random run. */
export function run(
  seed: number,
  o: {
    settings?: Settings;
    slot?: Settings;
    vcpus?: number;
    host?: boolean;
    verbs?: string;
    rules?: readonly string[];
    /** Bits of the entries that the guest writes. */
    entries?: readonly bigint[];
  },
): void {
  const pick = random(seed);
  for (let i = 0; i < 8; i++) pick(2);
  const vcpus = o.vcpus ?? 1;
  const vm = new Kernel({ ...o.settings, vcpus }, o.rules ?? ALL, o.entries).start(o.slot);
  const verbs = o.verbs ?? 'rrwwxppPbdcfiW';
  const guests = Array.from({ length: vcpus }, (_, n) => {
    const acts = Array.from({ length: 3 + pick(10) }, () => {
      const s = 1 + pick(2 ** 30);
      // What is done depends on the tables as they are when its turn comes.
      return () => vm.act(random(s), n, verbs)();
    });
    return vm.thread(`v${n}`, n, ...acts);
  });
  const host = o.host
    ? [vm.thread('host', vcpus, ...Array.from({ length: 1 + pick(5) }, () => vm.hostAct(pick)))]
    : [];
  play(vm, [...guests, ...host], pick);
}
