import { strict as assert } from 'node:assert';
import * as ast from '../../adapter/language/ast.js';
import { parseExpression, parseStatement } from '../../adapter/language/console.js';
import { type Names, resolve, typeOf } from '../../adapter/language/symbols.js';
import { load, scenario } from './fixtures/load.js';
import { RING } from './fixtures/ring.js';

const file = load(
  scenario(`setup { let slot = vm }
thread guest { let x = 1 if x == 1 { let inner = vm.head print inner } let last = 2 }
thread other { let x = 2 let y = 3 }`),
);
const [only] = file.scenarios;
const guest = only?.members.find((m): m is ast.Thread => ast.isThread(m) && m.name === 'guest');
const statements = guest?.body.statements ?? [];
const inside = (statements[1] as ast.If).then.statements[1];

/** What is wrong with an expression at a place, or its parse. */
function watch(text: string, context: Names): string | ast.Expression {
  const r = parseExpression(text, context);
  return 'expression' in r
    ? r.expression
    : r.diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`).join('\n');
}

describe('an expression that stands alone', () => {
  const names = (text: string, context: Names) => {
    const e = watch(text, context);
    assert.ok(typeof e !== 'string', String(e));
    const found = [...ast.descendants(e)].filter(ast.isNameExpr);
    return found.map((n) => {
      const s = resolve(n, context);
      return s?.kind === 'variable'
        ? `${s.name}:${ast.isThread(s.owner) ? s.owner.name : s.owner?.$type}`
        : s?.kind;
    });
  };

  it('sees the names of the statement that it is evaluated before', () => {
    assert.deepEqual(names('x == 1 && inner == none && slot.count > 0', { at: inside }), [
      'x:guest',
      'inner:guest',
      'slot:Setup',
    ]);
    assert.equal(watch('last == 2', { at: inside }), "1:1 unknown name 'last'");
    assert.deepEqual(names('last == 2', { at: guest?.body }), ['last:guest']);
    assert.equal(watch('inner', { at: guest?.body }), "1:1 unknown name 'inner'");
  });

  it('sees the variables of threads from outside', () => {
    assert.deepEqual(names('y + guest.x + last', { scenario: only }), ['y:other', 'thread', 'last:guest']);
    assert.equal(watch('x', { scenario: only }), "1:1 unknown name 'x'");
  });

  it('sees the names of its event before all others', () => {
    const event = RING.events[0]?.fields;
    const context = { scenario: only, event };
    assert.deepEqual(
      names('gfn == 3 && (old & WRITABLE) != 0 && thread == "guest" && vm.limit == 1', context),
      ['event', 'event', 'constant', 'event', 'global'],
    );
    assert.equal(watch('gnf == 3', context), "1:1 unknown name 'gnf'; did you mean `gfn`?");
    const e = watch('new', context);
    assert.equal(typeof e !== 'string' && typeOf(e, context).kind, 'flags');
  });

  it('knows types and constants by what they are compared with', () => {
    const e = watch('all w in vcpu : w.flags == PRESENT && tlb_entries[0].bits == PRESENT', {
      scenario: only,
    }) as ast.Expression;
    const values = [...ast.descendants(e)].filter(ast.isNameExpr).flatMap((n) => {
      const s = resolve(n, { scenario: only });
      return s?.kind === 'constant' ? [s.value] : [];
    });
    assert.deepEqual(values, [4n, 1n]);
  });

  it('cannot run anything, or change anything', () => {
    const said = "1:9 'read' is an operation, which take steps: they cannot be called here";
    assert.equal(watch('vcpu[0].read(1)', { scenario: only }), said);
    assert.match(watch('vm.limit = 3', { scenario: only }) as string, /found '='/);
  });

  it('says what is wrong with it', () => {
    assert.equal(watch('', {}), '1:1 expected an expression, found the end of the text');
    assert.equal(watch('1 +', {}), '1:4 expected an expression, found the end of the text');
    assert.equal(
      watch('vm.limt', { scenario: only }),
      "1:4 a ring has no field 'limt'; did you mean `limit`?",
    );
    assert.equal(watch('1 2', {}), "1:3 expected an operator or the end, found '2'");
  });
});

describe('a statement of the debug console', () => {
  const typed = (text: string) => {
    const r = parseStatement(text, { scenario: only, at: inside });
    if ('diagnostics' in r) return r.diagnostics.map((d) => d.message).join('\n');
    return 'statement' in r ? r.statement.$type : r.expression.$type;
  };

  it('is an expression, or an assignment', () => {
    assert.equal(typed('x + 1'), 'Binary');
    assert.equal(typed('spte(3)'), 'Call');
    assert.equal(typed('vm.limit = 3'), 'Action');
    assert.equal(typed('x += 1'), 'Action');
  });

  it('says what is wrong with it', () => {
    assert.equal(typed('vm.count = 3'), "'count' is read-only");
    assert.equal(typed('vm.limit = "a"'), 'expected an integer, found a string');
    assert.match(typed('vcpu[0].read(1)'), /'read' is an operation, which take steps/);
    assert.equal(typed('vm.limit = '), 'expected an expression, found the end of the text');
    assert.equal(typed('x +'), 'expected an expression, found the end of the text');
    assert.equal(typed('nothing'), "unknown name 'nothing'");
  });
});
