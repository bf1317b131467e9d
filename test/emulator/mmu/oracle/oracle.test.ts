/** Every access with every kind of entry: the machine does what the manual says. */
import assert from 'node:assert/strict';
import type { Settings } from '../../harness.js';
import { MODES } from '../shadow/rig.js';
import { type Path, paths, processors, steady, VA, wayOf } from './cases.js';
import { Machine } from './machine.js';
import { type Entry, type MemoryAccess, type PagingMode, type Processor, translate } from './reference.js';

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

/** The accesses in another order for each case, until all orders have had their turn. */
function ordered(n: number): readonly MemoryAccess[] {
  const left = [...ACCESSES];
  let rest = n * 97;
  return ACCESSES.map((_, i) => {
    const size = ACCESSES.length - i;
    const [next] = left.splice(rest % size, 1);
    rest = Math.floor(rest / size);
    return next as MemoryAccess;
  });
}

/** Makes all accesses to an address as it is now. */
function tryAll(vm: Machine, cpu: Processor, n: number, how: string, d: Differences): void {
  for (const [i, access] of ordered(n).entries()) compare(vm, cpu, access, `${how}, access ${i + 1}`, d);
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

/** Cases of `all`, and of `registers`. */
const ANYWHERE = [0, 0, 0];
const allCases = (mode: PagingMode): number =>
  processors(mode).reduce((n, cpu) => n + paths(cpu, ANYWHERE).length, 0) * ACCESSES.length;
const registerCases = (mode: PagingMode): number =>
  [false, true]
    .map((pse) => processors(mode, pse))
    .reduce((n, cpus) => n + cpus.length * steady(cpus[0] as Processor, ANYWHERE).length, 0) *
  ACCESSES.length;

const fresh = (vm: Machine): void =>
  all(vm, (path) => {
    vm.afresh(wayOf(vm.mode, path, vm.tables));
    return 'fresh';
  });

const changed = (vm: Machine): void =>
  all(vm, (path, n) => {
    const by = n % 3 === 0 ? 'cr3' : 'invlpg';
    vm.change(wayOf(vm.mode, path, vm.tables), by);
    return `changed, ${by}`;
  });

/** Loads all settings of the registers over the same entries. */
function registers(vm: Machine): void {
  const d = new Differences();
  for (const pse of [false, true]) {
    const cpus = processors(vm.mode, pse);
    for (const [n, path] of steady(cpus[0] as Processor, vm.tables).entries()) {
      vm.afresh(wayOf(vm.mode, path, vm.tables));
      for (const cpu of cpus) {
        vm.load_registers(cpu);
        tryAll(vm, cpu, n, 'other registers', d);
      }
    }
  }
  d.none();
}

/** Makes an absent entry another one. No flush is needed for that: nobody may have cached what was not there. */
function unflushed(vm: Machine): void {
  const d = new Differences();
  let n = 0;
  for (const cpu of processors(vm.mode)) {
    vm.load_registers(cpu);
    for (const path of steady(cpu, vm.tables)) {
      // It is the entry that ends the walk: of level 2 where that maps a page.
      const absent = mapsLarge(path) ? [path[0] as bigint, 0n] : [0n, path[1] as bigint];
      vm.change(wayOf(vm.mode, absent, vm.tables), 'invlpg');
      vm.change(wayOf(vm.mode, path, vm.tables), 'nothing');
      tryAll(vm, cpu, n++, 'absent before', d);
    }
  }
  d.none();
}
const mapsLarge = (path: Path): boolean => ((path[1] as bigint) & 0x80n) !== 0n;
const absentCases = (mode: PagingMode): number =>
  processors(mode).reduce((n, cpu) => n + steady(cpu, ANYWHERE).length, 0) * ACCESSES.length;

/** Who translates: KVM by shadows, or the hardware in two dimensions, with the tables of each maker. */
const WAYS: Readonly<Record<string, Settings>> = {
  shadow: {},
  ept: { paging: 'tdp' },
  'ept without A and D': { paging: 'tdp', eptad: 'off' },
  npt: { paging: 'tdp', format: 'npt' },
};

for (const [way, settings] of Object.entries(WAYS))
  describe(`mmu: what the manual says about paging, through ${way}`, () => {
    const shadow = way === 'shadow';
    for (const mode of MODES) {
      const n = allCases(mode);
      if (shadow) {
        it(`${mode}: ${n} cases with nothing shadowed yet, and with what the accesses before have left`, () =>
          fresh(new Machine(mode, {}, settings)));

        it(`${mode}: ${n} cases out of sync: the guest has changed its entries and flushed them, on huge pages of the host`, () => {
          const vm = new Machine(mode, { huge: true }, settings);
          changed(vm);
          assert.ok(vm.unsynced > 1000, `${vm.unsynced} pages have lagged behind`);
        });
      } else {
        it(`${mode}: ${n} cases with nothing cached yet, and with what the accesses before have left`, () =>
          fresh(new Machine(mode, {}, settings)));

        it(`${mode}: ${n} cases after the guest has changed its entries and flushed them, on huge pages of the host`, () =>
          changed(new Machine(mode, { huge: true }, settings)));
      }

      it(`${mode}: ${absentCases(mode)} cases after the guest has made an absent entry another one, without a flush`, () =>
        unflushed(new Machine(mode, {}, settings)));

      it(`${mode}: ${registerCases(mode)} cases after the guest has loaded control registers, with what was there for others`, () =>
        registers(new Machine(mode, {}, settings)));
    }

    it('pae: an address whose entry above the page directories is absent', () => {
      const vm = new Machine('pae', {}, settings);
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
      const vm = new Machine('none', {}, settings);
      const d = new Differences();
      for (const cpu of processors('none')) {
        vm.load_registers(cpu);
        tryAll(vm, cpu, 0, 'no paging', d);
      }
      d.none();
    });
  });

describe('mmu: what the manual says about paging, when faults of absent entries go straight to the guest', function () {
  this.timeout(60_000);
  const settings = { bypass_guest_pf: 'on' };
  it(`32: ${allCases('32')} cases, half of them with nothing shadowed yet`, () => {
    const vm = new Machine('32', {}, settings);
    all(vm, (path, n) => {
      const way = wayOf('32', path, vm.tables);
      if (n % 2 === 0) vm.afresh(way);
      else vm.change(way, n % 3 === 0 ? 'cr3' : 'invlpg');
      return n % 2 === 0 ? 'fresh' : 'changed';
    });
  });
  for (const mode of ['pae', '64'] as const)
    it(`${mode}: ${registerCases(mode)} cases after the guest has loaded control registers`, () =>
      registers(new Machine(mode, {}, settings)));
});
