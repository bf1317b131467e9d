import { strict as assert } from 'node:assert';
import * as ast from '../../adapter/language/ast.js';
import { rangeOf } from '../../adapter/language/diagnostics.js';
import { parse } from '../../adapter/language/parser/parse.js';
import { parserOf } from '../../adapter/language/parser/services.js';
import { load, scenario, statementsOf, thread, wrong } from './fixtures/load.js';

/** An expression with brackets around each part, so that its shape can be compared. */
function shape(e: ast.Expression): string {
  switch (e.$type) {
    case 'Binary':
      return `(${shape(e.left)} ${e.operator} ${shape(e.right)})`;
    case 'Unary':
      return `(${e.operator}${shape(e.operand)})`;
    case 'Conditional':
      return `(${shape(e.condition)} ? ${shape(e.then)} : ${shape(e.otherwise)})`;
    case 'Quantifier':
      return `(${e.quantifier} ${e.name} in ${shape(e.list)} : ${shape(e.body)})`;
    case 'Field':
      return `${shape(e.receiver)}.${e.name}`;
    case 'Index':
      return `${shape(e.receiver)}[${shape(e.index)}]`;
    case 'Call':
      return `${shape(e.callee)}(${e.args.map((a) => (a.name ? `${a.name}: ` : '') + shape(a.value)).join(', ')})`;
    case 'ListLiteral':
      return `[${e.items.map(shape).join(', ')}]`;
    case 'NameExpr':
      return e.name;
    case 'NoneLiteral':
      return 'none';
    case 'DurationLiteral':
    case 'EndpointLiteral':
      return e.text;
    case 'StringLiteral':
      return JSON.stringify(e.value);
    default:
      return String(e.value);
  }
}

function shapeOf(text: string): string {
  const { root, problems } = parse<ast.Expression>(text, 'Expression');
  assert.deepEqual(problems, []);
  return shape(root);
}

describe('expressions', () => {
  it('have the precedence of C', () => {
    assert.equal(
      shapeOf('a || b && c | d ^ e & f == g < h << i + j * -k'),
      '(a || (b && (c | (d ^ (e & (f == (g < (h << (i + (j * (-k)))))))))))',
    );
    assert.equal(shapeOf('a - b - c'), '((a - b) - c)');
    assert.equal(shapeOf('!a.b[1] == ~c'), '((!a.b[1]) == (~c))');
    assert.equal(shapeOf('(a + b) * c'), '((a + b) * c)');
  });

  it('let => bind least and to the right', () => {
    assert.equal(shapeOf('a => b || c => d'), '(a => ((b || c) => d))');
  });

  it('let the body of a quantifier reach as far as it can', () => {
    assert.equal(
      shapeOf('x && all t in list : t.writable => any u in t.all : u == 1 || y'),
      '(x && (all t in list : (t.writable => (any u in t.all : ((u == 1) || y)))))',
    );
    assert.equal(shapeOf('count x in [1, 2] : x == 2'), '(count x in [1, 2] : (x == 2))');
  });

  it('choose with ? :', () => {
    assert.equal(shapeOf('a == 1 ? b : c ? d : e'), '((a == 1) ? b : (c ? d : e))');
  });

  it('call with arguments by position and by name', () => {
    assert.equal(
      shapeOf('vm.memslot(0, size: 64M, lock: x ? 1 : 2).get(all: none)'),
      'vm.memslot(0, size: 67108864, lock: (x ? 1 : 2)).get(all: none)',
    );
  });

  it('take keywords as names of fields and arguments, and some as names of variables', () => {
    assert.equal(shapeOf('lock.count.until.thread.in(end)'), 'lock.count.until.thread.in(end)');
    assert.equal(shapeOf('thread == "guest" && lock != to'), '((thread == "guest") && (lock != to))');
  });

  it('take every keyword as a name of a field or an argument', () => {
    for (const word of Object.keys(parserOf().tokens.definition).filter((t) => /^[a-z]/.test(t)))
      assert.equal(shapeOf(`a.${word}(${word}: 1)`), `a.${word}(${word}: 1)`);
  });

  it('know exact integers, durations, endpoints and strings', () => {
    assert.equal(shapeOf('0x1_F + 0b101 + 1_000 + 2K + 3G'), '((((31 + 5) + 1000) + 2048) + 3221225472)');
    assert.equal(shapeOf('0xffff_ffff_ffff_ffff'), '18446744073709551615');
    assert.equal(
      shapeOf('[200ms, 3s, 5ticks, 1tick, 10us, 2min, 7ns]'),
      '[200ms, 3s, 5ticks, 1tick, 10us, 2min, 7ns]',
    );
    assert.equal(shapeOf('[10.0.0.1:4000, [2001:db8::1]:80]'), '[10.0.0.1:4000, [2001:db8::1]:80]');
    assert.equal(shapeOf('"a\\n\\"\\\\\\t\\x41" == "ü"'), '("a\\n\\"\\\\\\tA" == "ü")');
  });

  it('tell a list before a colon from an endpoint', () => {
    assert.equal(shapeOf('all x in [a, b]:80 == x'), '(all x in [a, b] : (80 == x))');
  });
});

describe('statements', () => {
  const typesOf = (text: string) => statementsOf(load(thread(text))).map((s) => s.$type);

  it('need neither newlines nor semicolons', () => {
    const types = ['Let', 'Action', 'Action', 'Label', 'Action', 'Breakpoint', 'Print'];
    assert.deepEqual(
      typesOf('let a = 1 a = 2 vcpu[0].read(a) label l: vcpu[0].read(1) breakpoint print a, "b"'),
      types,
    );
    assert.deepEqual(
      typesOf('let a = 1; a = 2; vcpu[0].read(a);; label l:; vcpu[0].read(1); breakpoint; print a, "b";'),
      types,
    );
  });

  it('come in all forms of the language', () => {
    const text = `
      let n = 0
      n += 1 n -= 1 n *= 2 n /= 2 n %= 2 n &= 1 n |= 1 n ^= 1 n <<= 1 n >>= 1
      if n == 0 { n = 1 } else if n == 1 { n = 2 } else { n = 3 }
      while n < 10 { n += 1  if n == 5 { continue }  break }
      for i in 0 ..< 3 { n += i }
      for i in 0 .. 3 { n += i }
      for t in tlb_entries { n += t.gfn }
      repeat 3 { n += 1 }
      assert n == 1
      assert n == 1, "why"
      wait !vm.ring_lock.held
      vm.limit = n
      vcpu[0].write(0x3000, value: 1)`;
    assert.deepEqual(wrong(thread(text)), []);
    const action = Array.from({ length: 10 }, () => 'Action');
    assert.deepEqual(typesOf(text), [
      'Let',
      ...action,
      'If',
      'While',
      'For',
      'For',
      'For',
      'Repeat',
      'Assert',
      'Assert',
      'Wait',
      'Action',
      'Action',
    ]);
  });

  it('know their place in the file', () => {
    const [first] = statementsOf(load(scenario('thread t {\n    vcpu[0].write(1,\n      2)\n}')));
    assert.deepEqual(rangeOf(first as ast.Statement), { line: 3, column: 5, endLine: 4, endColumn: 9 });
  });
});

describe('scenarios', () => {
  it('can be written as in the documentation', () => {
    const text = `
/** A vCPU makes a page writable without the lock while migration write-protects it. */
scenario "fast page fault races dirty logging" {
  use ring { paging: tdp, writers: 2, memory: 64M }

  setup {
    let slot = vm.memslot(base: 0, size: 64M, dirty_log: true)
    vcpu[0].write(0x3000, 1)
    vm.get_dirty_log(slot)                       // write-protects what it reports
  }

  thread guest on cpu 0     { vcpu[0].write(0x3000, 2) }
  thread migration on cpu 1 { let dirty = vm.get_dirty_log(slot)   label harvested:   vcpu[1].read(0x3000) }

  schedule {                                     // optional; one exact interleaving
    guest     to fast_pf_fix_direct_spte
    migration to end
    guest     to end
  }

  always "no CPU keeps a writable translation of a page that the log calls clean" when !vm.ring_lock.held :
    all t in tlb_entries : t.writable => slot.dirty_bitmap[t.gfn] || spte(t.gfn).writable
  finally { assert dirty[3] || slot.dirty_bitmap[3], "the write to 0x3000 was lost" }
}`;
    assert.deepEqual(wrong(text), []);
  });

  it('have directives of all forms', () => {
    const file = load(
      scenario(`thread a { label here: } thread w[i] for i in 0 ..< 3 on cpu i { vcpu[0].read(i) }
      schedule { a to f a past f a to lock(ring_lock) a past lock("slots_lock") a to label here a until vm.count > 3
        w[2] for 3 steps w[1 + 1] for 1 step a to blocked; a to end }`),
    );
    assert.deepEqual(file.diagnostics, []);
    const schedule = file.scenarios[0]?.members.find(ast.isSchedule);
    const stops = [
      'ToFunction',
      'PastFunction',
      'ToLock',
      'PastLock',
      'ToLabel',
      'Until',
      'Steps',
      'Steps',
      'ToBlocked',
      'ToEnd',
    ];
    assert.deepEqual(
      schedule?.directives.map((d) => d.stop.$type),
      stops,
    );
    assert.deepEqual(
      schedule?.directives.map((d) => d.index?.$type),
      [...Array(6), 'IntLiteral', 'Binary', undefined, undefined],
    );
  });

  it('have policies, rules, expectations and tags', () => {
    const one = (members: string) =>
      assert.deepEqual(wrong(scenario(`thread t { vcpu[0].read(1) } ${members}`)), []);
    one('schedule sequential');
    one('schedule round_robin');
    one('schedule random(seed: 3)');
    one('schedule pct(seed: 1, depth: 3)');
    one('reachable : vm.count == 1 reachable "twice" : vm.count == 2');
    one('expect violation "x" tags slow, c-01, "D 2"');
    for (const outcome of ['violation', 'deadlock', 'race', 'use_after_free', 'panic'])
      one(`expect ${outcome}`);
    one('always "a" : vm.enabled always "b" when vm.count > 1 : vm.enabled ? true : false');
  });

  it('configure what they use', () => {
    const file = load(`const MANY = 2 scenario "s" { use ring {
      paging: shadow memory: 64M, writers: MANY; large_pages: true
      profile: pre-fpf, fpf: on-retry, dirtylog: "protect-then-swap", invariants: [INV_T3, INV-D1]
    } thread t { vcpu[0].read(1) } }`);
    assert.deepEqual(file.diagnostics, []);
    const use = file.scenarios[0]?.members.find(ast.isUse);
    assert.deepEqual(
      use?.entries.map((e) => [e.key, e.value.$type]),
      [
        ['paging', 'UseWord'],
        ['memory', 'UseNumber'],
        ['writers', 'UseWord'],
        ['large_pages', 'BoolLiteral'],
        ['profile', 'UseWord'],
        ['fpf', 'UseWord'],
        ['dirtylog', 'StringLiteral'],
        ['invariants', 'UseList'],
      ],
    );
    const word = use?.entries[5]?.value as ast.UseWord | undefined;
    assert.equal(word?.text, 'on-retry');
    assert.deepEqual(
      wrong(
        scenario('thread t { vcpu[0].read(1) }').replace(
          'use ring',
          'use ring { writers: (1 + 1), invariants: none }',
        ),
      ),
      [],
    );
  });
});
