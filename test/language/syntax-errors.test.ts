import { strict as assert } from 'node:assert';
import { scenario, thread, wrong } from './fixtures/load.js';

/** The only thing that is wrong with a text. */
function only(text: string): string {
  const all = wrong(text);
  assert.equal(all.length, 1, all.join('\n'));
  return all[0] as string;
}

describe('syntax errors', () => {
  it('say what was expected, what was found, and where', () => {
    assert.equal(only(thread('vcpu[0].read(1 2)')), "2:27: error: expected ',' or ')', found '2'");
    assert.equal(only(thread('let = 3')), "2:16: error: expected a name, found '='");
    assert.equal(only(thread('repeat { }')), "2:19: error: expected an expression, found '{'");
    assert.equal(only(thread('for i 0 ..< 3 { }')), "2:18: error: expected 'in' after 'i', found '0'");
    assert.equal(only(thread('let l = [1, 2')), "2:25: error: expected ',' or ']', found '}'");
    assert.equal(only(scenario('thread { }')), "2:8: error: expected the name of the thread, found '{'");
    assert.equal(
      only(scenario('setup { } always : vm.enabled')),
      "2:18: error: expected what the rule says, in double quotes, found ':'",
    );
    assert.equal(
      only('scenario { }'),
      "1:10: error: expected the title of the scenario, in double quotes, found '{'",
    );
    assert.equal(
      only(scenario('thread a { label l: } schedule { a to 3 }')),
      "2:39: error: expected a kernel function, lock(NAME), label NAME, blocked or end, found '3'",
    );
    assert.equal(
      only(scenario('thread a { label l: } schedule { a go end }')),
      "2:36: error: expected to, past, until or for, found 'go'; did you mean `to`?",
    );
    assert.equal(only('import x'), "1:8: error: expected the path of a file, in double quotes, found 'x'");
  });

  it('offer near keywords, and take them for what was meant', () => {
    const members = 'use, setup, thread, schedule, always, finally, reachable, expect, tags';
    assert.equal(
      only(scenario('thred t { vcpu[0].read(1) }')),
      `2:1: error: expected ${members} or '}', found 'thred'; did you mean \`thread\`?`,
    );
    assert.equal(
      only('scenaro "x" { use ring thread t { vcpu[0].read(1) } }'),
      "1:1: error: expected import, const, param, fn or scenario, found 'scenaro'; did you mean `scenario`?",
    );
    assert.equal(
      only(thread('let x = 1 asert x == 1')),
      "2:22: error: 'asert' is not a statement; did you mean `assert`?",
    );
    assert.equal(
      only(thread('whlie true { }')),
      "2:12: error: 'whlie' is not a statement; did you mean `while`?",
    );
    assert.equal(
      only(thread('wiat vm.enabled')),
      "2:12: error: 'wiat' is not a statement; did you mean `wait`?",
    );
  });

  it('are reported each, and once', () => {
    const text = `scenario "x" {
  use ring
  setup {
    let x =
    let y = (1 + 2
    vm.limit == 3
    retrun
  }
  thread a { }
  thred b { }
}
scenario "y" { use ring thread { } }`;
    assert.deepEqual(
      wrong(text).map((w) => w.split(' error: ')[0]),
      ['4:12:', '5:19:', '6:14:', '7:5:', '10:3:', '12:32:'],
    );
  });

  it('name the brace that is not closed', () => {
    const text = 'scenario "x" { use ring\n  setup { vm.limit = 1\n  thread a { }\n}';
    assert.equal(
      only(text),
      "3:3: error: expected a statement or '}', found 'thread'; '{' at 2:9 is not closed",
    );
    assert.equal(
      only('scenario "x" { use ring\n  thread a { }'),
      "2:15: error: expected '}', found the end of the text; '{' at 1:14 is not closed",
    );
  });

  it('do not repeat themselves for a brace too many', () => {
    const text =
      'scenario "x" { use ring\n  setup { } }\n  thread a { }\n  thread b { }\n}\nscenario "y" { use ring thread a { } }';
    assert.equal(
      only(text),
      "3:3: error: expected import, const, param, fn or scenario, found 'thread'; it belongs inside a scenario: is there a '}' too many above?",
    );
  });

  it('explain words that are none', () => {
    assert.match(
      only(thread('let x = 12abc')),
      /^2:20: error: '12abc' is not a number: expected an integer .* or a duration /,
    );
    assert.match(only(thread('let x = 1.5')), /error: /);
    assert.equal(
      only(thread('print "abc')),
      `2:18: error: string is not closed: expected '"' before the end of the line`,
    );
    assert.equal(
      only(thread("print 'abc'")),
      "2:18: error: expected a string in straight double quotes, found '",
    );
    assert.equal(
      only(thread('print “abc”')),
      '2:18: error: expected a string in straight double quotes, found “',
    );
    assert.match(only(thread('print "a\\q"')), /^2:20: error: '\\q' is not an escape: expected \\n/);
    assert.equal(only(thread('let x = 3 @')), "2:22: error: unexpected character '@'");
    assert.equal(only(`${thread('')}\n/* open`), "5:1: error: comment is not closed: expected '*/'");
    assert.match(only(thread('let e = 10.0.0.300:80')), /300 in '10.0.0.300' is above 255/);
    assert.match(only(thread('let e = 10.0.0.3:80000')), /port 80000 is above 65535/);
    assert.match(only(thread('let e = [1::2::3]:80')), /'1::2::3' is not an IPv6 address/);
  });

  it('are clear about what is nested too deeply', () => {
    assert.match(
      only(thread(`let x = ${'('.repeat(500)}1`)),
      /expected at most 64 brackets inside one another/,
    );
    assert.match(only(thread(`let x = ${'!'.repeat(500)}true`)), /expression is too long/);
    assert.match(only(thread(`let x = ${'1+'.repeat(5000)}1`)), /expression is too long/);
    assert.match(only(thread(`if true { } ${'else if true { } '.repeat(5000)}`)), /too deep|too long/);
  });
});
