/** The locks that threads hold and wait for, and the ring that they may wait in. */
import assert from 'node:assert/strict';
import type { Simulation } from '../../adapter/language/run/index.js';
import { waiting } from '../../adapter/language/run/waiting.js';
import { Lock, type Thread } from '../../adapter/machine/index.js';
import { locks } from '../../adapter/session/locks.js';
import { both, Rig, wait_for } from '../machine/rig.model.js';

/** As much of a run as the rows look at. */
const runOf = ({ machine }: Rig) =>
  ({
    machine,
    threads: () => machine.threads,
    blockedOn: (t: Thread) => (machine.runnable(t) ? null : waiting(t)),
  }) as unknown as Simulation;

const rowsOf = (rig: Rig) =>
  locks(runOf(rig))
    .named({})
    .map((r) => [r.name, r.value]);

describe('the scope of locks', () => {
  it('says so when no lock is held', () => {
    assert.deepEqual(rowsOf(new Rig()), [['(none)', 'no lock is held or waited for']]);
  });

  it('shows the ring of threads that wait for one another', () => {
    const rig = new Rig();
    const other = new Lock('x_lock', 'mutex');
    const a = rig.thread('a', () => both(rig.lock, other));
    const b = rig.thread('b', () => both(other, rig.lock));
    rig.step(a, 2);
    rig.step(b, 2);
    assert.deepEqual(rowsOf(rig), [
      ['deadlock', 'a -> b -> a'],
      ['w_lock', 'held by a; b waits'],
      ['x_lock', 'held by b; a waits'],
    ]);
    const ring = locks(runOf(rig)).named({})[0]?.children?.named({});
    assert.deepEqual(
      ring?.map((r) => [r.name, r.value]),
      [
        ['a', 'waits for x_lock, held by b'],
        ['b', 'waits for w_lock, held by a'],
      ],
    );
  });

  it('shows what threads wait for that is no lock', () => {
    const rig = new Rig();
    const t = rig.thread('t', () => wait_for(rig.widget, 3));
    rig.step(t);
    assert.deepEqual(rowsOf(rig), [['t', 'waits for count to reach 3']]);
  });
});
