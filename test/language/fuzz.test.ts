import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { parseExpression, parseStatement } from '../../adapter/language/console.js';
import { load } from './fixtures/load.js';

const SCENARIO = `
/** doc */ import "b.lockstep" const N = 1K + 0x10 param n = 3 fn f(a, b) { return a + b * 2 }
scenario "x y" { use ring { paging: tdp, memory: 64M, profile: pre-fpf, invariants: [INV_T3] } tags a, b-c
  setup { let slot = vm.memslot(base: 0, size: 64M) vm.limit += 1 vcpu[0].write(0x3000, 1) }
  thread w[i] for i in 0 ..< n on cpu i { vcpu[i].read(i) wait !vm.enabled label here: }
  thread guest { let d = vm.get_dirty_log(slot) if d[3] { print "a\\x41", 200ms } else { repeat 3 { breakpoint } } }
  schedule { guest to f guest past lock(ring_lock) w[2] to label here guest until vm.count > 3 guest for 3 steps guest to end }
  always "t" when !vm.ring_lock.held : all t in tlb_entries : t.writable => spte(t.gfn).writable ? true : false
  reachable : 10.0.0.1:4000 != [2001:db8::1]:80 expect violation "v" finally { assert d[3] || none == vm.head, "m" } }
// end`;
const WORDS = SCENARIO.match(/\w+|[^\w\s]+|\s+/g) as string[];

/** Asserts that a text is read to some end: with diagnostics that stand somewhere in it, and never by giving up. */
function readable(text: string): void {
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const d of load(text, { 'b.lockstep': 'const B = 1' }).diagnostics) {
    assert.ok(d.line >= 1 && d.line <= lines && d.column >= 1 && d.endLine >= d.line, JSON.stringify(d));
    assert.ok(d.message !== '' && !/\n|undefined|\[object|cannot read this/.test(d.message), d.message);
  }
}

describe('any text', () => {
  it('is read without a crash, when it is random', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), readable), {
      numRuns: 300,
      seed: 1,
    });
  }).timeout(30_000);

  it('is read without a crash, when it is a heap of words', () => {
    const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 80 }).map((w) => w.join(''));
    fc.assert(fc.property(words, readable), { numRuns: 300, seed: 2 });
  }).timeout(30_000);

  it('is read without a crash, when it is a scenario with words changed, missing or too many', () => {
    const edit = fc.tuple(fc.nat(WORDS.length - 1), fc.nat(3), fc.constantFrom(...WORDS));
    const mutated = fc.array(edit, { maxLength: 6 }).map((edits) => {
      const words = [...WORDS];
      for (const [at, removed, word] of edits) words.splice(at, removed, ...(removed === 3 ? [] : [word]));
      return words.join('');
    });
    fc.assert(fc.property(mutated, readable), { numRuns: 200, seed: 3 });
  }).timeout(30_000);

  it('is read without a crash, wherever a scenario is cut off', () => {
    for (let end = 0; end <= SCENARIO.length; end += 7) readable(SCENARIO.slice(0, end));
  }).timeout(30_000);

  it('can be typed into the debug console', () => {
    const words = fc.array(fc.constantFrom(...WORDS.filter((w) => w.trim() !== '')), { maxLength: 10 });
    const typed = fc.property(words, (w) => {
      for (const parse of [parseExpression, parseStatement]) {
        const r = parse(w.join(' '));
        if ('diagnostics' in r) assert.ok(r.diagnostics.length > 0);
      }
    });
    fc.assert(typed, { numRuns: 300, seed: 4 });
  }).timeout(30_000);

  it('is answered quickly, however large or deep', () => {
    const deep = [
      '(',
      '{',
      '[',
      '-',
      '!',
      'all x in ',
      'a ? ',
      '/*',
      '"',
      '}',
      '\u0000',
      'x ',
      'if a { } else ',
    ];
    for (const part of deep) readable(`scenario "x" { setup { let x = ${part.repeat(20_000)}`);
    readable(`const a = ${'9'.repeat(1_000_000)}`);
    readable('x'.repeat(3_000_000));
  }).timeout(30_000);
});
