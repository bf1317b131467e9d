import { strict as assert } from 'node:assert';
import { durationOf, endpointOf, intOf, stringOf } from '../../adapter/language/literals.js';
import { didYouMean, distance, nearest } from '../../adapter/language/near.js';

describe('literals', () => {
  it('are exact integers', () => {
    assert.equal(intOf('1_000'), 1000n);
    assert.equal(intOf('0xFFFF_FFFF_FFFF_FFFF'), 0xffffffffffffffffn);
    assert.equal(intOf('0b1_01'), 5n);
    assert.deepEqual([intOf('1K'), intOf('64M'), intOf('2G')], [1024n, 67108864n, 2147483648n]);
  });

  it('are durations in nanoseconds, or in ticks', () => {
    assert.deepEqual(durationOf('200ms'), { amount: 200_000_000n, unit: 'ns' });
    assert.deepEqual(durationOf('2min'), { amount: 120_000_000_000n, unit: 'ns' });
    assert.deepEqual(durationOf('1_0us'), { amount: 10_000n, unit: 'ns' });
    assert.deepEqual(
      [durationOf('5ticks'), durationOf('1tick')],
      [
        { amount: 5n, unit: 'ticks' },
        { amount: 1n, unit: 'ticks' },
      ],
    );
  });

  it('are endpoints of both families', () => {
    assert.deepEqual(endpointOf('10.0.0.1:4000'), { family: 'inet', address: '10.0.0.1', port: 4000 });
    assert.deepEqual(endpointOf('[2001:db8::1]:80'), { family: 'inet6', address: '2001:db8::1', port: 80 });
    for (const good of ['[::]:1', '[::1]:1', '[1:2:3:4:5:6:7:8]:1', '[::ffff:10.0.0.1]:1', '[fe80::]:1'])
      assert.equal('error' in endpointOf(good), false, good);
    for (const bad of [
      '[1:2]:1',
      '[1::2::3]:1',
      '[1:2:3:4:5:6:7:8:9]:1',
      '[12345::]:1',
      '[:1::2]:1',
      '10.0.0.256:1',
      '1.2.3.4:65536',
    ])
      assert.equal('error' in endpointOf(bad), true, bad);
  });

  it('are strings with escapes', () => {
    assert.equal(stringOf('"a\\n\\t\\"\\\\\\x41"'), 'a\n\t"\\A');
    assert.equal(stringOf('"open'), 'open');
  });
});

describe('near names', () => {
  it('are those that a slip of the fingers makes', () => {
    assert.equal(distance('thread', 'thraed'), 1);
    assert.equal(distance('write', 'Write'), 0.5);
    assert.equal(distance('', 'abc'), 3);
    assert.equal(nearest('get_dirty_lgo', ['get', 'get_dirty_log', 'set_dirty_log']), 'get_dirty_log');
    assert.equal(nearest('dirty_log', ['get_dirty_log', 'memslot']), 'get_dirty_log');
    assert.equal(nearest('x', ['y', 'z']), undefined);
    assert.equal(nearest('anything', ['something', 'unlike']), undefined);
    assert.equal(didYouMean('wrte', ['write', 'read']), '; did you mean `write`?');
    assert.equal(didYouMean('wrte', []), '');
  });
});
