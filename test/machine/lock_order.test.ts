import assert from 'node:assert/strict';
import { LOCK_ORDER, Lock } from '../../adapter/machine/index.js';
import { both, Rig } from './rig.model.js';

describe('lock order', () => {
  /** Three threads take pairs of three locks, one thread after the other. */
  const run = (pairs: readonly (readonly [number, number])[]) => {
    const rig = new Rig({ journal: 1000 });
    const locks = ['a_lock', 'b_lock', 'c_lock'].map((name) => new Lock(name, 'spinlock'));
    const reports: { said: string; report: string }[] = [];
    rig.machine.listen([LOCK_ORDER], (e) =>
      reports.push({ said: e.type.format?.(e.values) ?? '', report: String(e.values[3]) }),
    );
    for (const [k, [first, second]] of pairs.entries()) {
      const t = rig.thread(`t${k}`, () => both(locks[first] as Lock, locks[second] as Lock));
      while (!t.ended) rig.step(t);
    }
    return { rig, reports };
  };

  it('says nothing while all take locks in the same order', () => {
    assert.deepEqual(
      run([
        [0, 1],
        [1, 2],
        [0, 2],
        [0, 1],
      ]).reports,
      [],
    );
  });

  it('says that two locks are taken both ways, though nobody waited', () => {
    const { reports } = run([
      [0, 1],
      [1, 0],
      [1, 0],
    ]);
    assert.deepEqual(
      reports.map((r) => r.said),
      [
        'possible circular locking dependency: t1 takes a_lock while it holds b_lock, which was taken under a_lock before',
      ],
    );
    assert.match(reports[0]?.report ?? '', /WARNING: possible circular locking dependency detected/);
    assert.match(
      reports[0]?.report ?? '',
      /-> #1 \(b_lock\): taken by t0 at step \d+ while it held \(a_lock\)\n {7}both /,
    );
  });

  it('finds a ring over three locks, and shows the chain', () => {
    const { reports } = run([
      [0, 1],
      [1, 2],
      [2, 0],
    ]);
    assert.equal(reports.length, 1);
    assert.match(reports[0]?.report ?? '', /Chain exists of:\n {2}a_lock --> b_lock --> c_lock/);
  });

  it('forgets what it learned in steps that are taken back', () => {
    const { rig, reports } = run([[0, 1]]);
    rig.machine.attach();
    rig.machine.journal?.undoTo(0);
    const [a, b] = ['a_lock', 'b_lock'].map((name) => rig.machine.locks.find((l) => l.name === name));
    const t = rig.thread('again', () => both(b as Lock, a as Lock));
    while (!t.ended) rig.step(t);
    assert.deepEqual(reports, []);
  });
});
