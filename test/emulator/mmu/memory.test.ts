/** Guest memory under everything that the host does to it, in random orders. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rng } from '../../../adapter/machine/index.js';
import type { Act } from '../harness.js';
import { Vm } from './rig.js';

const PAGES = [0, 3, 5, 511, 512, 600];
const HOST = [
  'swap_out',
  'swap_in',
  'age',
  'test_age',
  'make_readonly',
  'change_pte',
  'collapse',
  'split',
] as const;

/** What a thread does, as data. */
const guestOp = fc.record({ page: fc.constantFrom(...PAGES), store: fc.boolean() });
const hostOp = fc.oneof(
  fc.record({ name: fc.constantFrom(...HOST), page: fc.constantFrom(...PAGES) }),
  fc.record({ name: fc.constantFrom('harvest', 'zap_all'), page: fc.constant(0) }),
);
const program = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
  guests: fc.array(fc.array(guestOp, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 2 }),
  host: fc.array(hostOp, { minLength: 1, maxLength: 8 }),
  huge: fc.boolean(),
  cow: fc.boolean(),
  log: fc.boolean(),
  format: fc.constantFrom('ept', 'npt'),
  eptad: fc.constantFrom('auto', 'off'),
});

type Program = typeof program extends fc.Arbitrary<infer T> ? T : never;

/** Runs a program by a random schedule. Throws when a guest loses what it stored, or the log misses a page. */
function run(p: Program, switches: Readonly<Record<string, string>> = {}): void {
  const vm = new Vm({ vcpus: 2, memory: 2 ** 23, format: p.format, eptad: p.eptad, ...switches });
  vm.memslot(2 ** 22, { huge: p.huge, readonly_host: p.cow, dirty_log: p.log });
  const unreported = new Set<number>();
  vm.instance.observers.guestStored.push((_v, gpa) => unreported.add(Math.floor(gpa / 4096)));
  vm.instance.observers.dirtyDelivered.push((_s, words) =>
    words.forEach((w, i) => {
      for (let b = 0; b < 64; b++) if ((w >> BigInt(b)) & 1n) unreported.delete(i * 64 + b);
    }),
  );
  const guests = p.guests.map((ops, n) => {
    // Each vCPU has words of its own, in pages that all share.
    const expected = new Map<number, bigint>();
    const acts = ops.map((o, k): Act => {
      const addr = o.page * 4096 + 8 * n;
      if (!o.store) return vm.read(addr, n);
      return vm.write(addr, 100 * n + k + 1, n);
    });
    const wanted = ops.map((o, k) => {
      if (o.store) {
        expected.set(o.page, BigInt(100 * n + k + 1));
        return true;
      }
      return expected.get(o.page) ?? 0n;
    });
    return { thread: vm.thread(`v${n}`, n, ...acts), wanted };
  });
  const hostActs = p.host.map((o): Act => {
    if (o.name === 'harvest') return p.log ? vm.harvest() : vm.vm('enable_dirty_log', { slot: vm.slot });
    if (o.name === 'zap_all') return vm.vm('zap_all');
    return vm.mm(o.name, { hva: o.page * 4096, ...(o.name === 'change_pte' ? { readonly: p.cow } : {}) });
  });
  const host = vm.thread('host', 2, ...hostActs);
  const rng = new Rng(p.seed);
  const threads = [...guests.map((g) => g.thread), host];
  for (let n = 0; threads.some((t) => !t.ended); n++) {
    assert.ok(n < 200_000, 'the run does not end');
    const able = vm.machine.threads.filter((t) => vm.machine.runnable(t));
    assert.ok(able.length > 0, `nobody can move: ${threads.map((t) => t.describe()).join('; ')}`);
    vm.machine.step(able[rng.below(able.length)] as (typeof able)[0]);
    if (vm.machine.failure !== null)
      assert.fail(`${vm.machine.failure.message}\n${vm.machine.failure.report ?? ''}`);
  }
  for (const g of guests) assert.deepEqual(vm.results(g.thread), g.wanted);
  if (!p.log) return;
  vm.setup(vm.op(vm.vcpu(0), 'pause'), vm.op(vm.vcpu(1), 'pause'), vm.harvest());
  assert.deepEqual([...unreported], []);
}

describe('mmu: memory', function () {
  this.timeout(60_000);

  it('a guest reads what it stored, and the log misses no page, whatever the host does', () => {
    fc.assert(
      fc.property(program, (p) => run(p)),
      { seed: 20120801, numRuns: 150 },
    );
  });

  it('the same for a guest without paging, by shadow tables', () => {
    fc.assert(
      fc.property(program, (p) => run(p, { paging: 'nonpaging' })),
      { seed: 5, numRuns: 150 },
    );
  });

  it('the same in the older kernel, which takes mmu_lock for every fault', () => {
    fc.assert(
      fc.property(program, (p) => run(p, { profile: 'pre-fpf' })),
      { seed: 3, numRuns: 150 },
    );
  });

  it('a random search finds the lost writes of the mutants', () => {
    const fails = (switches: Readonly<Record<string, string>>) =>
      fc.check(
        fc.property(program, (p) => run(p, switches)),
        { seed: 11, numRuns: 3000, endOnFailure: true },
      ).failed;
    assert.equal(fails({ slot_wp_flush: 'no', dirtylog: 'swap-then-protect' }), true);
    assert.equal(fails({ notifier_retry: 'off' }), true);
  });
});
