/** Data ids and hit counts: what has to be the same in another session, or after going back. */
import assert from 'node:assert/strict';
import { formatDataId, parseDataId, type Target } from '../../adapter/session/breakpoints/dataId.js';
import { HitCounter } from '../../adapter/session/breakpoints/hitCount.js';

describe('data ids', () => {
  const targets: readonly Target[] = [
    { kind: 'memory', address: 0x60004018, bytes: 8 },
    { kind: 'memory', address: 0x60004018, bytes: 8, part: 'writable' },
    { kind: 'space', space: 'gpa', address: 0x3000, bytes: 4096 },
    { kind: 'object', id: 100663301, slot: 2, name: 'kvm_mmu_page#6.5.spt' },
    { kind: 'object', id: 16777217, slot: 0, part: '[3]', name: 'slot.dirty_bitmap[0..63]' },
    { kind: 'place', source: 'vcpu[0].arch.mmu.root_hpa' },
    { kind: 'value', source: 'any t in tlb_entries :\n  t.writable' },
    { kind: 'here', number: 4 },
  ];
  for (const target of targets)
    it(`are read as they were written: ${formatDataId(target).replace('\n', ' ')}`, () => {
      assert.deepEqual(parseDataId(formatDataId(target)), target);
    });

  for (const text of [
    '',
    'memory',
    'memory here 8',
    'object x 1',
    'space gpa 8',
    'unheard of',
    'here',
    'place ',
  ])
    it(`are refused when they are none: '${text}'`, () => {
      assert.equal(parseDataId(text), undefined);
    });
});

describe('the hits of a breakpoint', () => {
  it('are counted by their positions', () => {
    const counter = new HitCounter();
    assert.deepEqual(
      [10, 20, 30].map((p) => counter.count(p)),
      [1, 2, 3],
    );
  });

  it('count once at one position', () => {
    const counter = new HitCounter();
    assert.deepEqual([counter.count(10), counter.count(10)], [1, 1]);
  });

  it('are those before the position after going back', () => {
    const counter = new HitCounter();
    for (const p of [10, 20, 30]) counter.count(p);
    assert.equal(counter.count(20), 2, 'the same hit again');
    assert.equal(counter.count(25), 3, 'another future');
    counter.reset();
    assert.equal(counter.count(25), 1);
  });
});
