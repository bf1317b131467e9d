import assert from 'node:assert/strict';
import { LaunchError } from '../../../adapter/language/run/index.js';
import { runText } from './helpers.js';

const scenario = (members: string) => `scenario "s" { ${members} }`;

describe('running: outcomes', () => {
  it('a false assertion fails the scenario, with its own words', () => {
    const { outcome } = runText(scenario('thread t { assert 1 == 2, "one is not two" }'));
    assert.equal(outcome.passed, false);
    assert.equal(outcome.headline, 'failed: assertion: one is not two');
  });

  it('an assertion without words shows itself', () => {
    const { outcome } = runText(scenario('thread t { let x = 1 assert x  ==  2 }'));
    assert.equal(outcome.headline, "failed: assertion: 'x == 2' does not hold");
  });

  it('always is checked after every step', () => {
    const { outcome, steps } = runText(
      scenario('setup { let n = 0 } thread t { n = 1 n = 5 n = 1 } always "n is small" : n < 3'),
    );
    assert.match(outcome.headline, /always "n is small": 'n < 3' does not hold/);
    assert.equal(steps, 4);
  });

  it('a rule that does not hold, or cannot be told, names its own line', () => {
    const rule = 'thread t { let x = 1 }\nalways "early" : [1][t.x] == 1';
    const { outcome, at } = runText(scenario(rule));
    assert.match(outcome.headline, /always "early": the index must be an integer, but it is none/);
    assert.equal(at, 'test.lockstep:2:18');
  });

  for (const [what, fn, message] of [
    ['assign to other variables', 'fn f(n) { total = 5 return n }', /must not assign to 'total'/],
    ['print', 'fn f(n) { print n return n }', /must not print/],
    ['fail an assertion', 'fn f(n) { assert n == 2, "not two" return n }', /always "r": not two/],
  ] as const)
    it(`a function that a rule calls may look, but not ${what}`, () => {
      const { outcome } = runText(
        `${fn} scenario "s" { setup { let total = 0 } thread t { total = 1 } always "r" : f(1) == 1 }`,
      );
      assert.equal(outcome.badInput, true);
      assert.match(outcome.headline, message);
    });

  it('a function that a rule calls may use variables of its own', () => {
    const fn = 'fn sum(n) { let s = 0 for i in 0 .. n { s += i } return s }';
    const { outcome } = runText(`${fn} scenario "s" { thread t { let x = 1 } always "r" : sum(3) == 6 }`);
    assert.equal(outcome.passed, true);
  });

  it('always with when speaks only of the states that it names', () => {
    const rule = 'always "when busy" when busy : n < 3';
    const ok = runText(
      scenario(`setup { let n = 0 let busy = false } thread t { n = 5 n = 0 busy = true n = 2 } ${rule}`),
    );
    assert.equal(ok.outcome.passed, true);
    const bad = runText(
      scenario(`setup { let n = 0 let busy = false } thread t { busy = true n = 5 } ${rule}`),
    );
    assert.equal(bad.outcome.passed, false);
  });

  it('finally runs alone when all have ended, and sees the variables of threads', () => {
    const text = 'thread a { let x = 1 } thread b { let x = 2 let y = 3 } finally { print a.x, b.x, y }';
    assert.deepEqual(runText(scenario(text)).printed, ['1 2 3']);
  });

  it('a family of threads has one for each number', () => {
    const text =
      'thread w[i] for i in 0 ..< 3 { let mine = i * i } finally { print w[0].mine, w[1].mine, w[2].mine }';
    assert.deepEqual(runText(scenario(text)).printed, ['0 1 4']);
  });

  it('expect passes only when that is what is found', () => {
    const failing = 'setup { let n = 0 } thread t { n = 9 } always "n is small" : n < 3';
    const expect = (what: string, body = failing) => runText(scenario(`${body} expect ${what}`)).outcome;
    assert.equal(expect('violation').passed, true);
    assert.equal(expect('violation "n is small"').passed, true);
    assert.match(
      expect('violation "something else"').headline,
      /expected violation "something else", but found assertion/,
    );
    assert.match(expect('deadlock').headline, /expected deadlock, but found/);
    assert.match(expect('violation', 'thread t { }').headline, /expected violation, but the run ended well/);
  });

  it('a deadlock names who waits for what', () => {
    const { outcome } = runText(
      scenario('thread a { wait b.done == true } thread b { wait 1 == 2 let done = true }'),
    );
    assert.equal(outcome.failure?.kind, 'deadlock');
    assert.match(outcome.headline, /a waits for 'b\.done == true'; b waits for '1 == 2'/);
  });

  it('a run without end is given up when told to', () => {
    const { outcome } = runText(scenario('thread t { while true { } }'), { maxSteps: 500 });
    assert.equal(outcome.failure?.kind, 'limit');
    assert.match(outcome.headline, /given up after 500 steps/);
  });

  it('reachable says whether this schedule reached it', () => {
    const { outcome } = runText(
      scenario('thread t { let x = 1 } reachable "one" : t.x == 1 reachable : t.x == 2'),
    );
    assert.deepEqual(outcome.lines, [
      'reachable "one": reached by this schedule',
      'reachable: not reached by this schedule; other schedules may reach it',
    ]);
  });

  it('a file with errors is refused whole, with every error and its place', () => {
    const text = 'scenario "s" {\n  thread t {\n    let a = nothing\n    print b\n  }\n}';
    assert.throws(
      () => runText(text),
      (e: unknown) =>
        e instanceof LaunchError &&
        /test\.lockstep:3:13: error: .*nothing/.test(e.message) &&
        /test\.lockstep:4:11: error: .*'?`?b/.test(e.message),
    );
  });

  it('several scenarios: one must be chosen, and a near title is offered', () => {
    const text = 'scenario "first one" { thread t { } } scenario "second one" { thread t { print 2 } }';
    assert.throws(
      () => runText(text),
      /the file has 2 scenarios; say which one to run:\n {2}"first one"\n {2}"second one"/,
    );
    assert.throws(
      () => runText(text, { scenario: 'secnd one' }),
      /no scenario "secnd one"; did you mean `second one`\?/,
    );
    assert.deepEqual(runText(text, { scenario: 'second one' }).printed, ['2']);
  });
});
