import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  Pct,
  parseRecording,
  Random,
  Recorder,
  Replay,
  RoundRobin,
  type Scheduler,
  Sequential,
} from '../../adapter/machine/index.js';
import { increment, increment_locked, Rig } from './rig.model.js';

/** Runs three threads to their end by a schedule; returns who moved at each step, and the result. */
function runBy(scheduler: Scheduler): { moves: string[]; count: number; recorder: Recorder } {
  const rig = new Rig();
  for (const n of ['a', 'b', 'c'])
    rig.thread(
      n,
      () => increment(rig.widget),
      () => increment_locked(rig.widget, rig.lock),
    );
  const recorder = new Recorder();
  const moves: string[] = [];
  for (;;) {
    const c = scheduler.choose(rig.machine, rig.machine.threads);
    if (c.kind !== 'move') {
      assert.equal(c.kind, 'stuck');
      assert.equal(rig.machine.unfinished.length, 0);
      return { moves, count: rig.widget.count, recorder };
    }
    rig.machine.step(c.thread);
    scheduler.moved(c.thread);
    recorder.moved(c.thread);
    moves.push(c.thread.name);
  }
}

describe('schedules', () => {
  it('sequential lets each thread run to its end', () => {
    const { moves, count } = runBy(new Sequential());
    assert.deepEqual([...new Set(moves)], ['a', 'b', 'c']);
    assert.equal(moves.join('').replace(/(.)\1+/g, '$1'), 'abc');
    assert.equal(count, 6);
  });

  it('round_robin switches after every step', () => {
    assert.deepEqual(runBy(new RoundRobin()).moves.slice(0, 7), ['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  for (const [name, make] of [
    ['random', (seed: number) => new Random(seed)],
    ['pct', (seed: number) => new Pct(seed, 3)],
  ] as const)
    it(`${name} gives the same run for the same seed, and other runs for other seeds`, () => {
      const runs = Array.from({ length: 20 }, (_, seed) => runBy(make(seed)).moves.join(''));
      assert.deepEqual(
        runs,
        Array.from({ length: 20 }, (_, seed) => runBy(make(seed)).moves.join('')),
      );
      assert.ok(new Set(runs).size > 5);
    });

  it('a recording replays to the same run', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const first = runBy(new Random(seed));
        const again = runBy(new Replay(first.recorder));
        assert.deepEqual(again.moves, first.moves);
        assert.equal(again.count, first.count);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('a recording that does not fit says where', () => {
    const rig = new Rig();
    rig.thread('a', () => increment(rig.widget));
    const choose = (choices: [string, number][]) =>
      new Replay({ choices }).choose(rig.machine, rig.machine.threads);
    assert.deepEqual(choose([['z', 1]]), {
      kind: 'diverged',
      message: "at step 0: the recording moves 'z', but there is no such thread now",
    });
    const end = choose([]);
    assert.match(end.kind === 'diverged' ? end.message : '', /the recording ends here, but a can still move/);
  });

  it('a schedule file that is none says what is wrong', () => {
    const good = { version: 1, scenario: 's', hash: 'h', args: [], choices: [['a', 2]] };
    assert.deepEqual(parseRecording(JSON.stringify(good)), good);
    for (const bad of ['', '[]', 'null', '{"version":2}', JSON.stringify({ ...good, choices: [['a', 0]] })])
      assert.throws(() => parseRecording(bad), /not a schedule file/);
  });

  it('reading a schedule file never fails in another way', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseRecording(text);
        } catch (e) {
          assert.match((e as Error).message, /not a schedule file/);
        }
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
