/** Every access with every kind of entry: the machine does what the manual says. */
import assert from 'node:assert/strict';
import { MODES } from '../shadow/rig.js';
import { type Path, paths, processors, steady, VA, wayOf } from './cases.js';
import { Machine } from './machine.js';
import { type Entry, type MemoryAccess, type Processor, translate } from './reference.js';

const ACCESSES: readonly MemoryAccess[] = (['read', 'write', 'fetch'] as const).flatMap((kind) =>
  ([0, 3] as const).map((cpl) => ({ kind, cpl })),
);

const show = (way: readonly Entry[]): string => way.map((e) => `0x${e.value.toString(16)}`).join(' ');

/** Cases that differ, as far as they were kept. */
class Differences {
  cases = 0;
  private count = 0;
  private readonly first: string[] = [];

  add(text: string): void {
    this.count++;
    if (this.first.length < 20) this.first.push(text);
  }
  /** Fails the test when there are any. */
  none(): void {
    assert.equal(this.count, 0, `${this.count} of ${this.cases} differ:\n${this.first.join('\n')}`);
  }
}

/** Makes an access, and compares all that can be seen of it. */
function compare(vm: Machine, cpu: Processor, access: MemoryAccess, history: string, d: Differences): void {
  const before = vm.way();
  const expected = translate(cpu, before, VA, access);
  const seen = vm.access(access, expected.address);
  const after = vm.way();
  d.cases++;
  const bits = before.every(({ value }, i) => {
    const must = value | (expected.sets[i] as bigint);
    const now = after[i]?.value as bigint;
    return (
      (now & ~(expected.may[i] as bigint)) === (must & ~(expected.may[i] as bigint)) && (now & must) === must
    );
  });
  if (seen.error === expected.error && seen.right && bits) return;
  const { mode, wp, pse, smep, nxe } = cpu;
  d.add(
    `${mode} ${JSON.stringify({ wp, pse, smep, nxe })} ${access.kind} at cpl ${access.cpl}, ${history}: ${show(before)}: ` +
      `error ${seen.error} for ${expected.error}, ${seen.right ? '' : 'another page, '}then ${show(after)}`,
  );
}

/** The accesses in an order that begins with another one for each case. */
const rotated = (n: number): readonly MemoryAccess[] =>
  ACCESSES.map((_, i) => ACCESSES[(n + i) % ACCESSES.length] as MemoryAccess);

/** Makes all accesses to an address as it is now. */
function tryAll(vm: Machine, cpu: Processor, n: number, how: string, d: Differences): void {
  for (const [i, access] of rotated(n).entries()) compare(vm, cpu, access, `${how}, access ${i + 1}`, d);
}

/** Goes through all cases of a mode; `prepare` puts the entries there, and says how. */
function all(vm: Machine, prepare: (path: Path, n: number) => string): void {
  const d = new Differences();
  let n = 0;
  for (const cpu of processors(vm.mode)) {
    vm.load_registers(cpu);
    for (const path of paths(cpu, vm.tables)) {
      tryAll(vm, cpu, n, prepare(path, n), d);
      n++;
    }
  }
  d.none();
}

describe('mmu: what the manual says about paging', () => {
  for (const mode of MODES) {
    it(`${mode}: with nothing shadowed yet, and with what the accesses before have left`, () => {
      const vm = new Machine(mode);
      all(vm, (path) => {
        vm.afresh(wayOf(mode, path, vm.tables));
        return 'fresh';
      });
    });

    it(`${mode}: after the guest has changed its entries and flushed them, on huge pages of the host`, () => {
      const vm = new Machine(mode, { huge: true });
      all(vm, (path, n) => {
        const by = n % 3 === 0 ? 'cr3' : 'invlpg';
        vm.change(wayOf(mode, path, vm.tables), by);
        return `changed, ${by}`;
      });
      assert.ok(vm.unsynced > 1000, `${vm.unsynced} pages have lagged behind`);
    });

    it(`${mode}: after the guest has loaded control registers, with what is shadowed for others`, () => {
      const vm = new Machine(mode);
      const d = new Differences();
      for (const pse of [false, true]) {
        const cpus = processors(mode, pse);
        for (const [n, path] of steady(cpus[0] as Processor, vm.tables).entries()) {
          vm.afresh(wayOf(mode, path, vm.tables));
          for (const cpu of cpus) {
            vm.load_registers(cpu);
            tryAll(vm, cpu, n, 'other registers', d);
          }
        }
      }
      d.none();
    });
  }

  it('pae: an address whose entry above the page directories is absent', () => {
    const vm = new Machine('pae');
    const far = VA + 2 ** 31;
    for (const cpu of processors('pae')) {
      vm.load_registers(cpu);
      for (const access of ACCESSES) {
        const { error } = translate(cpu, [{ level: 3, value: 0n }], far, access);
        assert.equal(vm.access(access, -1, far).error, error);
      }
    }
  });

  it('without paging nothing is forbidden, whatever the registers say', () => {
    const vm = new Machine('none');
    const d = new Differences();
    for (const cpu of processors('none')) {
      vm.load_registers(cpu);
      tryAll(vm, cpu, 0, 'no paging', d);
    }
    d.none();
  });
});
