/** The base breaks no rule, whatever the schedule; and what the rules remember is taken back with everything else. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkInvariants } from '../../../../adapter/emulator/mmu/invariants/index.js';
import { Ledger } from '../../../../adapter/emulator/mmu/invariants/ledger.js';
import { Suspects } from '../../../../adapter/emulator/mmu/invariants/suspects.js';
import { Machine } from '../../../../adapter/machine/index.js';
import type { Settings } from '../../harness.js';
import { Vm } from '../rig.js';
import { ALL, act, Checked, runAtRandom, type Statement, type Verb } from './checked.js';

/** What each thread may do: two vCPUs, and the host. */
interface Programs {
  readonly guests: readonly Verb[];
  readonly host: readonly Verb[];
}
const LOGGED: Programs = {
  guests: ['w', 'w', 'w', 'r', 'x', 'p'],
  host: ['G', 'G', 'o', 'a', 'u', 'f', 'c', 'C', 'm', 'P', 'z', 'M', 'W', 'F'],
};
const PLAIN: Programs = {
  guests: ['w', 'w', 'r', 'x', 'p'],
  host: ['o', 'i', 'a', 'u', 'f', 'c', 'C', 'm', 'P', 'z', 'M', 'W', 'F'],
};
const HUGE: Programs = { guests: PLAIN.guests, host: [...PLAIN.host, 'h', 's', 'E'] };

const program = (verbs: readonly Verb[]) =>
  fc.array(fc.tuple(fc.constantFrom(...verbs), fc.integer({ min: 0, max: 2 })), {
    minLength: 1,
    maxLength: 4,
  });

/** Plays small programs by random schedules, and fails with the first rule that is broken. */
function holds(
  title: string,
  settings: Settings,
  slot: Settings,
  programs: Programs,
  runs: number,
  size = 2 ** 14,
): void {
  it(title, () => {
    const threads = fc.tuple(program(programs.guests), program(programs.guests), program(programs.host));
    fc.assert(
      fc.property(threads, fc.boolean(), fc.integer({ min: 1, max: 2 ** 30 }), (lists, used, seed) => {
        const vm = new Checked(settings).memslot(size, slot);
        if (used) vm.setup(vm.write(0, 1), vm.write(0x1000, 1, 1));
        if (used && slot.dirty_log === true) vm.setup(vm.harvest());
        const run = lists.map((l: Statement[], k) => vm.thread(`t${k}`, k, ...l.map((s) => act(vm, s, k))));
        const { failure, stuck } = runAtRandom(vm, run, seed);
        assert.equal(failure === null ? '' : `${failure.message}\n${failure.report}`, '');
        assert.equal(stuck, false, run.map((t) => t.describe()).join(', '));
      }),
      { numRuns: runs, seed: 11 },
    );
  }).timeout(60_000);
}

describe('mmu invariants: hold in the base', () => {
  holds('under the log', {}, { dirty_log: true }, LOGGED, 400);
  holds('without a log', {}, {}, PLAIN, 200);
  holds('with huge pages that come and go', {}, { huge: true }, HUGE, 60, 2 ** 22);
  holds('without accessed and dirty bits', { eptad: 'off' }, { dirty_log: true }, LOGGED, 150);
  holds("in AMD's format", { format: 'npt' }, { dirty_log: true }, LOGGED, 150);
  holds(
    'in the kernel before the fast path',
    { profile: 'pre-fpf', age_bit: 'mask' },
    { dirty_log: true },
    LOGGED,
    150,
  );
  holds('in the kernel that flushes late', { profile: 'lazy-3.15' }, { dirty_log: true }, LOGGED, 150);
  holds('in that kernel with huge pages', { profile: 'lazy-3.15' }, { huge: true }, HUGE, 60, 2 ** 22);
  const tracking = { profile: 'acctrack-4.12', eptad: 'off' };
  holds('in the kernel that tracks accesses', tracking, { dirty_log: true }, LOGGED, 250);
  holds('in that kernel without a log', tracking, {}, PLAIN, 200);
  holds('when the exchange is tried again', { fpf: 'on-retry' }, { dirty_log: true }, LOGGED, 150);
  holds('in the hardened kernel', { profile: 'hardened' }, { dirty_log: true }, LOGGED, 150);
  holds('with walkers that are counted', { walk_guard: 'rcu' }, { dirty_log: true }, LOGGED, 150);
  for (const dirtylog of ['swap-then-protect', 'xchg-unlocked-flush', 'rmap-unlocked-flush'])
    holds(`with the harvest ${dirtylog}`, { dirtylog }, { dirty_log: true }, LOGGED, 100);
});

describe('mmu invariants: checking', () => {
  it('refuses a rule that does not exist', () => {
    const vm = new Vm();
    assert.throws(
      () => checkInvariants(vm.machine, vm.kvm, ['INV-T9']),
      /there is no invariant INV-T9: there are INV-T1, /,
    );
  });

  it('listens only to what the rules asked for need', () => {
    const listeners = (names: readonly string[]): number => {
      const vm = new Vm();
      checkInvariants(vm.machine, vm.kvm, names);
      return Object.values(vm.instance.observers).reduce((n: number, l: unknown[]) => n + l.length, 0);
    };
    assert.equal(listeners([]), 0);
    assert.equal(listeners(['INV-W2']), 1);
    assert.ok(listeners(ALL) > 20);
  });

  it('takes back what was noted', () => {
    const change = fc.record({
      step: fc.boolean(),
      key: fc.integer({ min: 0, max: 5 }),
      value: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
      wake: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 30 }),
        fc.array(change, { maxLength: 30 }),
        (before, after) => {
          const m = new Machine({ journal: 1000 });
          const tally = { pending: 0 };
          const suspects = new Suspects(tally);
          const notes = new Ledger<number>();
          const play = (changes: typeof before) => {
            for (const { key, value, wake } of changes) {
              m.journal?.begin(0, -1, 0, 0);
              notes.put(key, value);
              if (wake) suspects.wake(value ?? 0);
              else suspects.put(key, value);
            }
          };
          const state = () => [
            tally.pending,
            [...suspects.toLookAt()].sort(),
            suspects.keys().map((k) => [k, suspects.get(k)]),
            notes.keys().map((k) => [k, notes.get(k)]),
          ];
          m.attach();
          play(before);
          const then = state();
          play(after);
          m.journal?.undoTo(before.length);
          assert.deepEqual(state(), then);
          assert.equal(tally.pending, [...suspects.toLookAt()].length);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it('holds again after going back to before a rule was broken', () => {
    const vm = new Checked({ slot_wp_flush: 'no' }, ALL, 100_000).memslot();
    vm.setup(vm.write(0x3000, 1));
    const { steps } = vm.machine;
    assert.throws(() => vm.setup(vm.vm('enable_dirty_log', { slot: vm.slot })), /INV-T1/);
    vm.machine.journal?.undoTo(steps);
    assert.equal(vm.look(), null);
    assert.equal(vm.end(), null);
  });
});
