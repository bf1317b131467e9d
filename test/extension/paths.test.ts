import { strict as assert } from 'node:assert';
import { pathAt, variablesIn } from '../../extension/paths.js';

/** The path at the `|` of a line. */
function at(marked: string): string | undefined {
  const column = marked.indexOf('|');
  return pathAt(marked.replace('|', ''), column)?.text;
}

describe('the expression under the pointer', () => {
  it('is the name with all that it is a field of', () => {
    assert.equal(at('let e = vm.arch.active_mmu_pages[0].sp|t[3]'), 'vm.arch.active_mmu_pages[0].spt');
    assert.equal(at('let e = vm.ar|ch.active_mmu_pages[0].spt[3]'), 'vm.arch');
    assert.equal(at('let e = v|m.arch'), 'vm');
    assert.equal(at('  x|'), 'x');
  });

  it('takes an index with it at its closing bracket', () => {
    assert.equal(at('vm.pages[0].spt[3|]'), 'vm.pages[0].spt[3]');
    assert.equal(at('vm.pages[a[1] + 2|].x'), 'vm.pages[a[1] + 2]');
  });

  it('is the name inside of an index', () => {
    assert.equal(at('slot.dirty_bitmap[t.gf|n]'), 't.gfn');
    assert.equal(at('slot.dirty_bitmap[t.gfn].fo|o'), 'slot.dirty_bitmap[t.gfn].foo');
  });

  it('is the value of a query, but never an operation', () => {
    assert.equal(at('assert spte(3).writ|able'), 'spte(3).writable');
    assert.equal(at('assert sp|te(3).writable'), 'spte(3)');
    assert.equal(at('vcpu[0].re|ad(0x3000)'), undefined);
    assert.equal(at('vcp|u[0].read(0x3000)'), 'vcpu');
  });

  it('is nothing in a number, a string or a comment', () => {
    assert.equal(at('let x = 0x3|000'), undefined);
    assert.equal(at('print "exits of the gu|est:"'), undefined);
    assert.equal(at('let x = 1 // the gu|est'), undefined);
    assert.equal(at(' * The gu|est.'), undefined);
    assert.equal(at('  this.ca|che'), undefined);
  });

  it('knows no end where brackets do not match', () => {
    assert.equal(at('a].b|'), undefined);
    assert.equal(at('f|(x'), undefined);
  });
});

describe('the variables of a line', () => {
  const names = (line: string) => variablesIn(line).map(({ text }) => text);

  it('are names that are neither fields nor calls', () => {
    assert.deepEqual(names('let e = vm.arch.pages[i].spt + more(x)'), ['let', 'e', 'vm', 'i', 'x']);
  });

  it('are not in strings and comments', () => {
    assert.deepEqual(names('a + "b" // c'), ['a']);
  });

  it('are not labels and names of arguments', () => {
    assert.deepEqual(names('vm.memslot(base: b, size: s)'), ['vm', 'b', 's']);
  });

  it('are parameters with their types', () => {
    const header = 'export function* set_spte(vcpu: Vcpu, sptep: number) {';
    assert.deepEqual(
      variablesIn(header, true).map(({ text }) => text),
      ['export', 'function', 'vcpu', 'Vcpu', 'sptep', 'number'],
    );
  });
});
