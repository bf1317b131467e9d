import assert from 'node:assert/strict';
import { runText } from './helpers.js';

/** Two threads that print their name at each statement. */
const two = (schedule: string) => `scenario "s" {
  setup { let n = 0 }
  thread a { print "a1" label mid: print "a2" print "a3" }
  thread b { print "b1" n = 1 print "b2" }
  ${schedule}
}`;
const order = (schedule: string) => runText(two(schedule)).printed.join(' ');

describe('running: schedules', () => {
  it('is sequential by default', () => {
    assert.equal(order(''), 'a1 a2 a3 b1 b2');
    assert.equal(order('schedule sequential'), 'a1 a2 a3 b1 b2');
  });
  it('round_robin takes turns', () => assert.equal(order('schedule round_robin'), 'a1 b1 a2 b2 a3'));
  it('to label, until and to end', () => {
    assert.equal(order('schedule { a to label mid  b until n == 1  a to end  b to end }'), 'a1 b1 a2 a3 b2');
  });
  it('for N steps counts statements', () => {
    assert.equal(order('schedule { b for 1 steps  a for 1 steps  b to end }'), 'b1 a1 b2 a2 a3');
  });
  it('to blocked lets a thread go as far as it can', () => {
    const text = `scenario "s" { setup { let go = false }
      thread a { print "a1" wait go print "a2" } thread b { print "b1" go = true print "b2" }
      schedule { a to blocked  b to end  a to end } }`;
    assert.deepEqual(runText(text).printed, ['a1', 'b1', 'b2', 'a2']);
  });
  it('goes on sequentially after the last line', () =>
    assert.equal(order('schedule { b for 1 steps }'), 'b1 b2 a1 a2 a3'));
  it('the same seed gives the same run, and different seeds differ', () => {
    const runs = Array.from({ length: 12 }, (_, s) => order(`schedule random(seed: ${s})`));
    assert.deepEqual(
      runs,
      Array.from({ length: 12 }, (_, s) => order(`schedule random(seed: ${s})`)),
    );
    assert.ok(new Set(runs).size > 2);
  });
  it('a line that cannot be met stops the run and says where the thread went', () => {
    const { outcome } = runText(two('schedule { a to end  a for 1 steps }'));
    assert.equal(outcome.failure?.kind, 'diverged');
    assert.match(outcome.headline, /the schedule says 'a for 1 steps', but a has ended/);
  });
  it("a policy of the command line replaces the scenario's", () => {
    const { printed } = runText(two('schedule { b to end }'), { policy: 'sequential' });
    assert.equal(printed.join(' '), 'a1 a2 a3 b1 b2');
    assert.throws(
      () => runText(two(''), { policy: 'randm(seed: 1)' }),
      /there is no schedule 'randm'; did you mean `random`/,
    );
    assert.throws(
      () => runText(two(''), { policy: 'random(sed: 1)' }),
      /takes no 'sed'; did you mean `seed`/,
    );
  });
});
