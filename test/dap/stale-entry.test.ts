/** "A flush decided from a stale copy" in the debugger: the stops that the scenario's comment promises. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { type Client, launched } from './client.js';
import type { Stopped } from './looking.js';

const program = resolve('scenarios/mmu/stale-entry.lockstep');
const WITHOUT_W = 'gfn == 3 && old_writable && new_present && !new_writable';

describe('an entry that becomes read-only', () => {
  let client: Client;
  afterEach(() => client.destroy());

  /** Stops at entries that lose W, and at interrupts, in their order. */
  const stops = async (scenario: string): Promise<string[]> => {
    client = await launched({ program, scenario });
    const filterOptions = [{ filterId: 'spte', condition: WITHOUT_W }, { filterId: 'ipi.sent' }];
    await client.request('setExceptionBreakpoints', { filters: [], filterOptions });
    await client.request('configurationDone');
    const seen: string[] = [];
    const over = client.event('terminated').then(() => null);
    for (;;) {
      const stopped = await Promise.race([client.event<Stopped>('stopped'), over]);
      if (stopped === null) break;
      seen.push(/^spte gfn 3/.test(stopped.text ?? '') ? 'read-only' : 'interrupt');
      await client.request('continue', { threadId: stopped.threadId });
    }
    await client.finish();
    // The set-up makes the page read-only for the host, which flushes too.
    return seen.slice(seen.indexOf('read-only'));
  };

  it('is flushed by a harvest, and not by who decides from a stale copy', async () => {
    assert.deepEqual(await stops('stale entry'), ['read-only', 'interrupt', 'read-only']);
  });
  it('is flushed by both where the exchange decides', async () => {
    assert.deepEqual(await stops('stale entry, fixed'), ['read-only', 'interrupt', 'read-only', 'interrupt']);
  });
});
