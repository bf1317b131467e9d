import { strict as assert } from 'node:assert';
import { load, scenario, thread, wrong } from './fixtures/load.js';

/** Asserts what is wrong with a text: each message is one line, from its position on. */
function is(text: string, ...expected: string[]): void {
  assert.deepEqual(wrong(text), expected);
}
/** Asserts what is wrong with statements of a thread; columns count from the first of them. */
function does(statements: string, ...expected: string[]): void {
  const found = wrong(thread(statements)).map((w) => w.replace(/^2:(\d+):/, (_, c) => `${Number(c) - 11}:`));
  assert.deepEqual(found, expected);
}

describe('names', () => {
  it('are known or have a near name', () => {
    does('print vmm', "7: error: unknown name 'vmm'; did you mean `vm`?");
    does('print nothing_like_it', "7: error: unknown name 'nothing_like_it'");
    does('print a let a = 1', "7: error: 'a' is used before it is declared in line 2");
    does('print write', "7: error: unknown name 'write'; write is an operation of writer");
    does('print spte', "7: error: 'spte' is a function: write spte(gfn)");
    does('print t', "7: error: 't' is a thread: write t.NAME for one of its variables");
  });

  it('are those of setup everywhere, and those of a thread from outside where only it has them', () => {
    const threads = 'thread a { let x = 1 let both = 1 } thread b { let y = x let both = 2 }';
    is(scenario(`setup { let s = 1 } ${threads}`), "2:76: error: unknown name 'x'");
    const rules = 'always "r" : s == x && both == 1 && b.both == 2 finally { assert y == a.x && b.z == 1 }';
    is(
      scenario(
        `setup { let s = 1 } thread a { let x = s let both = 1 } thread b { let y = s let both = 2 }\n${rules}`,
      ),
      "3:24: error: unknown name 'both'",
      "3:80: error: thread 'b' has no variable 'z'",
    );
  });

  it('of a family need a number', () => {
    const family = 'thread w[i] for i in 0 ..< 2 { let x = i }';
    is(scenario(`${family} finally { assert w[0].x == 0 && w[1].x == 1 }`));
    is(
      scenario(`${family} finally { assert w.x == 0 }`),
      "2:61: error: 'w' is a family of threads: write w[0].NAME",
    );
    is(scenario(`${family} finally { assert x == 0 }`), "2:61: error: unknown name 'x'");
    is(scenario('thread w[i] for j in 0 ..< 2 { }'), "2:17: error: expected 'i', as in w[i], found 'j'");
  });

  it('of enums and flags are constants', () => {
    does(
      'wait vcpu[0].mode == IN_GUEST_MODE && (vm.head.bits & (WRITABLE | DIRTY)) != 0 && (vcpu[0].flags & BUSY) == BUSY',
    );
    does(
      'print vm.limit & 1 == 1',
      "7: error: '&' needs integers, found a comparison: as in C, comparisons bind more tightly, so write (a & b) == c",
    );
    does(
      'wait vcpu[0].mode == IN_GUST_MODE',
      "22: error: 'IN_GUST_MODE' is not a value of this field: expected OUTSIDE_MODE, IN_GUEST_MODE, EXITING_MODE; did you mean `IN_GUEST_MODE`?",
    );
    does(
      'wait vcpu[0].mode == "inside"',
      `22: error: 'inside' is not a value of this field: expected OUTSIDE_MODE, IN_GUEST_MODE, EXITING_MODE`,
    );
    does(
      'print PRESENT',
      "7: error: 'PRESENT' means different bits in different words: combine or compare it with a field",
    );
    does('print vm.head.bits & PRESENT, vcpu[0].flags & PRESENT');
  });

  it('are declared once in a block', () => {
    does(
      'let a = 1 let b = 2 let a = 3',
      "25: error: 'a' is declared already in line 2: assign to it without 'let', or use another name",
    );
    does('let a = 1 if a == 1 { let a = 2 print a }');
    is(
      scenario('thread a { } thread b { } thread a { }'),
      "2:34: error: there are two threads 'a': give this one another name",
    );
    does('label x: label x:', "10: error: there are two labels 'x' here: give this one another name");
    is(
      `${scenario('thread t { }')}\n${scenario('thread t { }')}`,
      '4:1: error: there are two scenarios "s": give this one another title',
    );
    is('const a = 1 param a = 2', "1:19: error: 'a' is declared already in line 1");
    is('fn f(a, a) { }', "1:9: error: f has two parameters 'a'");
  });
});

describe('fields and operations', () => {
  it('are those of the declared structures', () => {
    does('print vm.limt', "10: error: a ring has no field 'limt'; did you mean `limit`?");
    does('print vcpu[0].ring.head.gfn, vm.ring_lock.owner, vm.entries.length, vm.dirty_bitmap[3]');
    does('print vm.limit.x', "16: error: an integer has no field 'x'");
    does('print vm.ring_lock.holder', "20: error: a lock has no field 'holder'");
    does(
      'print vm.memslot',
      "10: error: a ring has no field 'memslot'; it is an operation: write memslot(base, size, dirty_log)",
    );
    does('print vm.limit[3]', '7: error: an integer has no elements');
    does('print tlb_entries["a"]', '19: error: an index must be an integer, found a string');
  });

  it('are called on what has them', () => {
    does('vcpu[0].wrote(1, 2)', "9: error: unknown operation 'wrote' of a writer; did you mean `write`?");
    does('vm.write(1, 2)', "4: error: unknown operation 'write' of a ring");
    does(
      'vm.dirty_log()',
      "4: error: unknown operation 'dirty_log' of a ring; did you mean `get_dirty_log`?",
    );
    does(
      'vm.limit()',
      "4: error: unknown operation 'limit' of a ring; it is a field: write it without brackets",
    );
    does('host.unmap(0x1000)');
    does(
      'write(1, 2)',
      "1: error: unknown function 'write'; it is an operation of writer: write it behind one, with a dot",
    );
    does('print sptee(1)', "7: error: unknown function 'sptee'; did you mean `spte`?");
    does('let a = 1 a()', "11: error: 'a' cannot be called");
  });

  it('get the arguments that they declare', () => {
    does('vcpu[0].write(1)', "9: error: write needs 'value'");
    does(
      'vcpu[0].write(value: 1, 2)',
      "9: error: write needs 'addr'",
      '25: error: argument 2 of write has no name: after a named argument all need one',
      "25: error: 'value' of write is given twice",
    );
    does('vcpu[0].write(1, 2, 3, 4)', '24: error: write takes 2 to 3 arguments, found 4');
    does('vcpu[0].write(1, 2, cpll: 3)', "21: error: write has no parameter 'cpll'; did you mean `cpl`?");
    does('vcpu[0].write(1, addr: 2, value: 3)', "18: error: 'addr' of write is given twice");
    does(
      'vcpu[0].write("a", true)',
      "15: error: 'addr' of write must be an integer, found a string",
      "20: error: 'value' of write must be an integer, found a boolean",
    );
    does('vm.get_dirty_log(vcpu[0])', "18: error: 'slot' of get_dirty_log must be a ring, found a writer");
    does('vm.get_dirty_log(none)');
    does('vcpu[0].enter(IN_GUEST_MODE) vcpu[0].enter("OUTSIDE_MODE")');
    does(
      'vcpu[0].enter(EXITING_MODE)',
      "15: error: 'EXITING_MODE' is not a value of this field: expected OUTSIDE_MODE, IN_GUEST_MODE",
    );
    is(`fn f(a) { return a } ${thread('print f(1, 2)')}`, '2:23: error: f takes 1 argument, found 2');
  });

  it('take steps only where something may run', () => {
    const rule = (e: string, at: string, where: string) =>
      is(
        scenario(`thread t { } ${e}`),
        `2:${at}: error: 'read' is an operation, which take steps: they cannot be called ${where}`,
      );
    rule('always "a" : vcpu[0].read(1) == 1', '35', "in 'always'");
    rule('always "a" when vcpu[0].read(1) == 1 : true', '38', "in 'always'");
    rule('reachable : vcpu[0].read(1) == 1', '34', "in 'reachable'");
    rule('schedule { t until vcpu[0].read(1) == 1 }', '41', 'in a schedule');
    does(
      'wait vcpu[0].read(1) == 1',
      "14: error: 'read' is an operation, which take steps: they cannot be called in 'wait'",
    );
    is(scenario('thread t { } finally { vcpu[0].read(1) }'));
    is(
      `fn f() { return g() }\nfn g() { return vcpu[0].read(1) }\n${scenario('thread t { } always "a" : f() == 1')}`,
      "4:27: error: 'f' calls operations, which take steps: they cannot be called in 'always'",
    );
    is(`fn f(x) { return x + 1 }\n${scenario('thread t { } always "a" : f(1) == 1')}`);
  });
});

describe('types', () => {
  it('fit the operators', () => {
    does('print 1 + "a"', "7: error: '+' cannot be used with an integer and a string");
    does('print "a" + "b", 200ms + 3s, [1] + [2], 1 + vm.limit');
    does('print true * 2', "7: error: '*' needs an integer, found a boolean");
    does('print !vm.limit', "8: error: '!' needs a boolean, found an integer");
    does('print vm.enabled && vm.limit', "21: error: '&&' needs a boolean, found an integer");
    does('print 200ms < 3', "7: error: '<' cannot be used with a duration and an integer");
    does('print vm == vcpu[0]', '7: error: a ring is never equal to a writer');
    does('print vm.head == none, vm.limit == 3, vm.note == "a"');
    does('print vm.limit == true', '7: error: an integer is never equal to a boolean');
  });

  it('of conditions are boolean', () => {
    does(
      'if vm.limit { }',
      "4: error: expected true or false after 'if', found an integer; compare it, for instance with '!= 0'",
    );
    does(
      'assert vm.head',
      "8: error: expected true or false after 'assert', found a ring_entry; compare it with 'none'",
    );
    does(
      'while 1 { }',
      "7: error: expected true or false after 'while', found an integer; compare it, for instance with '!= 0'",
    );
    is(
      scenario('thread t { } always "a" : vm.limit'),
      "2:27: error: expected true or false in 'always', found an integer; compare it, for instance with '!= 0'",
    );
    does(
      'assert all e in tlb_entries : e.gfn',
      "31: error: expected true or false after 'all e in ... :', found an integer; compare it, for instance with '!= 0'",
    );
  });

  it('of loops are lists and integers', () => {
    does('for x in 3 { }', "10: error: expected a list after 'in', found an integer");
    does('for x in 0 ..< true { }', '16: error: the end of a range must be an integer, found a boolean');
    does('repeat "a" { }', "8: error: expected after 'repeat' an integer, found a string");
    does('for e in vm.entries { print e.gfn, e.nothing }', "38: error: a ring_entry has no field 'nothing'");
  });

  it('of what is assigned fit', () => {
    does('vm.limit = "a"', '12: error: expected an integer, found a string');
    does('let a = 1 a = "x"', '15: error: expected an integer, found a string');
    does('let a = none a = 3 a = "x"');
    does('let a = vm a += 1', '17: error: expected a ring, found an integer');
  });

  it('of what a function was given are not known', () => {
    is(`fn f(x) { x.anything.write(1, 2) return x.y[3] }\n${thread('print f(vm).z')}`);
    is(`fn f(x) { x.anything() }\n${thread('f(vm)')}`, "1:13: error: unknown operation 'anything'");
  });
});

describe('assignments', () => {
  it('are to what can change', () => {
    does('vm.count = 3', "1: error: 'count' is read-only");
    does('vm = 3', "1: error: 'vm' cannot be assigned to: it is a name of the subsystem");
    does('vm.ring_lock.held = true', "1: error: 'held' is read-only");
    does('vm.limit = 3 vm.head.value += 1 vm.dirty_bitmap[3] = true');
    is(
      `const N = 1 param p = 2 ${thread('N = 2 p = 3')}`,
      "2:12: error: 'N' cannot be assigned to: it is a const",
      "2:18: error: 'p' cannot be assigned to: it is a param: set it with --set",
    );
    is(
      scenario('thread a { let x = 1 } thread b { } finally { a.x = 2 }'),
      "2:47: error: variables of thread 'a' can only be read from outside of it",
    );
    is(
      scenario('thread a { let x = 1 } finally { x = 2 }'),
      "2:34: error: variables of thread 'a' can only be read from outside of it",
    );
    is(scenario('setup { let s = 1 } thread a { s = 2 }'));
    does(
      'vcpu[0].read(1) = 2',
      '1: error: this cannot be assigned to: expected a variable, a field or an element',
    );
  });
});

describe('statements', () => {
  it('stand where they mean something', () => {
    does('break', "1: error: 'break' outside a loop: expected it inside while, for or repeat");
    does('while true { break }');
    does('return', "1: error: 'return' outside a function: expected it inside fn");
    does('vm.limit', '1: error: this does nothing: expected a call or an assignment');
    does('while true { break vm.limit = 1 }', "20: warning: this is never reached: 'break' comes before it");
  });
});

describe('use', () => {
  const uses = (text: string, ...expected: string[]) =>
    is(`scenario "s" { ${text} thread t { } }`, ...expected);

  it('names a subsystem', () => {
    uses('setup { let x = 1 print x }');
    uses(
      'setup { print vm }',
      "1:30: error: unknown name 'vm'; it is a name of ring: add `use ring` to the scenario",
    );
    uses('use rnig', "1:20: error: unknown subsystem 'rnig': expected ring; did you mean `ring`?");
    uses('use ring use ring', "1:29: error: 'ring' is used twice: put all its options into one use");
    assert.deepEqual(wrong('scenario "s" { use rnig thread t { vcpu[0].write(x) } }').length, 1);
  });

  it('gives options, profiles, switches and invariants that there are', () => {
    uses('use ring { pagin: tdp }', "1:27: error: ring has no option 'pagin'; did you mean `paging`?");
    uses(
      'use ring { paging: tpd }',
      "1:35: error: unknown value of 'paging' 'tpd': expected tdp or shadow; did you mean `tdp`?",
    );
    uses('use ring { paging: tdp, paging: tdp }', "1:40: error: 'paging' is given twice");
    uses(
      'use ring { writers: two }',
      "1:36: error: 'writers' must be an integer, such as 2, or the name of a const or param, found 'two'",
    );
    uses('use ring { writers: "2" }', "1:36: error: 'writers' must be an integer, such as 2");
    uses('use ring { memory: true }', "1:35: error: 'memory' must be a size, such as 64M");
    uses('use ring { large_pages: 1 }', "1:40: error: 'large_pages' must be true or false");
    uses(
      'use ring { profile: prefpf }',
      "1:36: error: unknown profile 'prefpf': expected fpf or pre-fpf; did you mean `pre-fpf`?",
    );
    uses(
      'use ring { dirtylog: protect-than-swap }',
      "1:37: error: unknown value of 'dirtylog' 'protect-than-swap': expected copy-protect-clear or protect-then-swap; did you mean `protect-then-swap`?",
    );
    uses(
      'use ring { invariants: [INV_T4] }',
      "1:40: error: ring has no invariant 'INV_T4'; did you mean `INV_T3`?",
    );
  });
});

describe('schedules', () => {
  const schedules = (text: string, ...expected: string[]) =>
    is(
      scenario(
        `thread guest { label here: vcpu[0].read(1) } thread w[i] for i in 0 ..< 2 { }\nschedule ${text}`,
      ),
      ...expected,
    );

  it('name a policy with its arguments', () => {
    schedules(
      'round_robbin',
      "3:10: error: unknown policy 'round_robbin': expected sequential, round_robin, random or pct; did you mean `round_robin`?",
    );
    schedules('random', '3:10: error: random needs seed: random(seed: 1)');
    schedules(
      'pct(seed: 1, dept: 2)',
      '3:10: error: pct needs depth: pct(seed: 1, depth: 1)',
      '3:23: error: pct takes seed and depth; did you mean `depth`?',
    );
    schedules('random(seed: "a")', "3:23: error: 'seed' of random must be an integer, found a string");
    schedules('sequential(1)', '3:21: error: sequential takes no arguments');
  });

  it('name threads, labels and locks that there are', () => {
    schedules('{ gest to end }', "3:12: error: unknown thread 'gest'; did you mean `guest`?");
    schedules('{ w to end }', "3:12: error: 'w' is a family of threads: say which, as in w[0]");
    schedules(
      '{ guest[0] to end }',
      "3:12: error: 'guest' is one thread and not a family: write guest without a number",
    );
    schedules(
      '{ guest to label her }',
      "3:27: error: thread 'guest' has no label 'her'; did you mean `here`?",
    );
    schedules(
      '{ guest to lock(rnig_lock) }',
      "3:18: error: unknown lock 'rnig_lock': expected ring_lock or slots_lock; did you mean `ring_lock`?",
    );
    schedules(
      '{ guest until vm.limit }',
      "3:24: error: expected true or false after 'until', found an integer; compare it, for instance with '!= 0'",
    );
    schedules(
      '{ guest for "a" steps }',
      '3:22: error: the number of steps must be an integer, found a string',
    );
    schedules('{ guest to any_function }');
  });
});

describe('scenarios', () => {
  it('have some parts once', () => {
    is(
      scenario('setup { } thread t { } setup { }'),
      "2:24: error: a scenario has one 'setup': this is another",
    );
    is(
      scenario('thread t { } expect race expect deadlock'),
      "2:26: error: a scenario has one 'expect': this is another",
    );
  });

  it('expect what can happen', () => {
    is(
      scenario('thread t { } expect violaton'),
      "2:21: error: unknown outcome 'violaton': expected violation, deadlock, race, use_after_free or panic; did you mean `violation`?",
    );
    is(
      scenario('thread t { } expect race "x"'),
      "2:14: error: only 'violation' takes a text: write expect race",
    );
  });

  it('do something', () => {
    is(scenario(''), '1:1: warning: this scenario does nothing: expected a thread or a setup');
  });
});

describe('constants', () => {
  it('depend on one another and on nothing else', () => {
    is('const A = B + 1 const B = 2 param n = A * B');
    is(
      'const A = B const B = A',
      "1:1: error: 'A' is defined by itself",
      "1:13: error: 'B' is defined by itself",
    );
    is(
      'param p = "a"',
      '1:11: error: a param must be an integer, so that --set can give it another value; found a string',
    );
    is(
      `const A = vm.limit ${scenario('thread t { }')}`,
      "1:11: error: 'vm' is not there yet: a const depends only on numbers and other constants",
    );
  });
});

describe('imports', () => {
  it('bring in constants, parameters and functions', () => {
    const others = {
      'lib/b.lockstep': 'import "../c.lockstep" const B = C + 1 fn twice(x) { return x * B }',
      'c.lockstep': 'param C = 1',
    };
    const file = load(`import "lib/b.lockstep" ${thread('print twice(B), C')}`, others);
    assert.deepEqual(file.diagnostics, []);
    assert.deepEqual(
      [file.consts.map((c) => c.name), file.params.map((p) => p.name), file.fns.map((f) => f.name)],
      [['B'], ['C'], ['twice']],
    );
    assert.equal(file.pathOf(file.fns[0] as never), 'lib/b.lockstep');
  });

  it('that cannot be read, or go in a circle, are said so', () => {
    is('import "b.lockstep"', '1:1: error: cannot read "b.lockstep": there is no file b.lockstep');
    const circle = load('import "b.lockstep"', { 'b.lockstep': 'import "a.lockstep"' });
    assert.deepEqual(
      circle.diagnostics.map((d) => `${d.file}:${d.line} ${d.message}`),
      ['b.lockstep:1 "a.lockstep" imports this file: expected no circle of imports'],
    );
  });

  it('carry the mistakes of the imported file', () => {
    const file = load('import "b.lockstep"', { 'b.lockstep': '\nconst = 2\nconst A = nowhere' });
    assert.deepEqual(
      file.diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.message}`),
      ["b.lockstep:2:7 expected a name, found '='", "b.lockstep:3:11 unknown name 'nowhere'"],
    );
  });
});
