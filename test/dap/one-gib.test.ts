/** A guest that is as large as the ones that people run. */
import assert from 'node:assert/strict';
import { oneGib } from '../bench/one_gib.js';

const GiB = 2 ** 30;

describe('a guest of 1 GiB in a debug session', () => {
  it('is touched, written and harvested page by page to the end, with a breakpoint on one spte, in 2 GiB', async function () {
    this.timeout(240_000);
    const rounds = 2;
    const { stops, bytes } = await oneGib(rounds);
    // Mapped, marked dirty by the hardware; write-protected by each harvest, and made writable again in each round but the first.
    assert.equal(stops, 2 + rounds + (rounds - 1));
    assert.ok(bytes < 2 * GiB, `the adapter took ${(bytes / GiB).toFixed(2)} GiB`);
  });
});
