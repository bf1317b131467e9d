import assert from 'node:assert/strict';
import { allSites } from '../../../adapter/machine/index.js';
import { runBody, runText } from './helpers.js';

describe('running: statements', () => {
  const cases: [title: string, body: string, printed: string[]][] = [
    ['variables and compound assignment', 'let a = 2 a += 3 a *= 4 a -= 1 a /= 2 a %= 5 print a', ['4']],
    [
      'if and else',
      'if 1 < 2 { print "yes" } else { print "no" } if 2 < 1 { print "yes" } else if 3 > 2 { print "else if" }',
      ['yes', 'else if'],
    ],
    [
      'while with break and continue',
      'let i = 0 while true { i += 1 if i == 2 { continue } if i == 4 { break } print i }',
      ['1', '3'],
    ],
    [
      'half-open and closed ranges',
      'for i in 0 ..< 2 { print i } for i in 5 .. 6 { print i }',
      ['0', '1', '5', '6'],
    ],
    ['an empty range runs nothing', 'for i in 3 ..< 3 { print i } print "after"', ['after']],
    ['lists', 'for x in [1, 2] { print x } for x in [] { print x }', ['1', '2']],
    [
      'break leaves the inner loop only',
      'for i in 0 ..< 2 { for j in 0 ..< 9 { if j == 1 { break } print i, j } }',
      ['0 0', '1 0'],
    ],
    [
      'continue in a counted loop goes on counting',
      'for i in 0 ..< 4 { if i % 2 == 0 { continue } print i }',
      ['1', '3'],
    ],
    ['repeat', 'let n = 0 repeat 3 { n += 1 } print n', ['3']],
    ['an inner variable hides the outer one', 'let a = 1 if true { let a = 2 print a } print a', ['2', '1']],
    [
      'text',
      'print "a" + "b", "q\\"", 200ms, 3s, 10.0.0.1:80, none, true',
      ['ab q" 200ms 3s 10.0.0.1:80 none true'],
    ],
  ];
  for (const [title, body, printed] of cases) it(title, () => assert.deepEqual(runBody(body), printed));

  it('functions return values, have their own variables and may call themselves', () => {
    const fn = 'fn fib(n) { if n < 2 { return n } let a = fib(n - 1) return a + fib(n - 2) }';
    assert.deepEqual(runBody('print fib(10)', fn), ['55']);
  });

  it('a function that calls itself without end is stopped with a clear error', () => {
    const { outcome } = runText('fn f(n) { return f(n + 1) } scenario "s" { thread t { print f(0) } }');
    assert.match(outcome.headline, /'f' calls itself more than 100 deep/);
    assert.equal(outcome.badInput, true);
  });

  it('consts and params are known everywhere, and params can be set', () => {
    const text = 'const A = B * 2 const B = 3 param n = A + 1 scenario "s" { thread t { print A, n } }';
    assert.deepEqual(runText(text).printed, ['6 7']);
    assert.deepEqual(runText(text, { set: { n: 40n } }).printed, ['6 40']);
  });

  it('integers are exact at any size', () => {
    assert.deepEqual(
      runBody('print 1 << 64, (1 << 64) - 1, 0xffff_ffff_ffff_ffff & ~0xf, 7 / -2, -7 % 3, 64M >> 12'),
      ['18446744073709551616 18446744073709551615 18446744073709551600 -3 -1 16384'],
    );
  });

  it('a runaway computation is stopped', () => {
    const { outcome } = runText('scenario "s" { thread t { let a = 3 while true { a = a * a } } }');
    assert.match(outcome.headline, /longer than 4096 bits/);
  });

  it('&&, || and => do not look at the right side when the left decides', () => {
    const boom = '(1 / 0 == 0)';
    assert.deepEqual(runBody(`print false && ${boom}, true || ${boom}, false => ${boom}`), [
      'false true true',
    ]);
  });

  it('all, any and count', () => {
    const body =
      'let l = [1, 2, 3] print all x in l : x > 0, any x in l : x > 2, count x in l : x != 2, all x in l : any y in l : y == 4 - x';
    assert.deepEqual(runBody(body), ['true true 2 true']);
  });

  for (const [body, message] of [
    ['print 1 / 0', /division by zero/],
    ['print [1, 2][5]', /there is no element 5: the length is 2/],
    ['let a = none print a + 1', /'\+' needs two integers, not none and an integer/],
  ] as const)
    it(`says what is wrong with: ${body}`, () => {
      const { outcome } = runText(`scenario "s" { thread t { ${body} } }`);
      assert.match(outcome.headline, message);
      assert.equal(outcome.badInput, true);
    });
});

describe('running: sites', () => {
  it('opening a scenario again adds no sites', () => {
    const text = 'scenario "s" { thread t { let a = 1 while a < 3 { a += 1 } print a } }';
    runText(text);
    const before = allSites().length;
    for (let n = 0; n < 5; n++) runText(text);
    assert.equal(allSites().length, before);
  });
});
