/** Hit conditions. */
import assert from 'node:assert/strict';
import { parseHitCount } from '../../adapter/session/breakpoints/hitCount.js';

describe('hit conditions', () => {
  const hits: readonly [source: string, counted: readonly number[]][] = [
    ['3', [3]],
    [' = 3 ', [3]],
    ['==3', [3]],
    ['> 3', [4, 5, 6]],
    ['>= 3', [3, 4, 5, 6]],
    ['<3', [1, 2]],
    ['<= 3', [1, 2, 3]],
    ['% 3', [3, 6]],
  ];
  for (const [source, counted] of hits)
    it(`'${source}' counts ${counted.join(', ')}`, () => {
      const count = parseHitCount(source);
      assert.ok(typeof count !== 'string');
      assert.deepEqual([1, 2, 3, 4, 5, 6].filter(count), counted);
    });

  for (const source of ['', 'x', '!= 3', '=== 3', '3 4', '-1', '1.5', '%', '9'.repeat(30)])
    it(`'${source.slice(0, 9)}' is refused with an example`, () => {
      assert.match(String(parseHitCount(source)), /is not a hit condition: .*'>= 3'/);
    });

  it('every 0th hit is refused', () => {
    assert.equal(parseHitCount('% 0'), 'a hit condition cannot divide by 0');
  });
});
