/** The session of docs/who-wrote-this.md, as it goes over the wire. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { type Client, launched } from './client.js';
import { assertGolden } from './golden.js';
import type { Frames, Stopped } from './looking.js';

const FILE = resolve('scenarios/mmu/lost-dirty-log.lockstep');
const SPTE = 'vm.arch.active_mmu_pages[0].spt[3]';

describe('the session of the documentation', () => {
  let client: Client;
  afterEach(() => client.destroy());

  it('runs to a broken invariant, asks who wrote the value, goes back there, lets the other thread go first, and it holds', async () => {
    client = await launched({ program: FILE, scenario: 'protect, then swap bitmaps' });
    const move = async (command: string, args: object) => {
      await client.request(command, args);
      return client.event<Stopped>('stopped');
    };
    await client.request('setExceptionBreakpoints', { filters: ['invariant'] });
    const broken = await move('configurationDone', {});
    assert.match(broken.text ?? '', /INV-D1: gfn 0x3 can be written unnoticed/);
    await client.request('exceptionInfo', { threadId: broken.threadId });
    await client.request('evaluate', { expression: SPTE });

    const writer = await move('lockstep/lastWrite', { expression: SPTE });
    assert.match(writer.text ?? '', /in fast_pf_fix_direct_spte/);
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId: writer.threadId });
    assert.equal(stackFrames[0]?.name, 'fast_pf_fix_direct_spte');
    await client.request('evaluate', { expression: SPTE });
    await client.request('lockstep/history', { expression: SPTE });
    await client.request('threads');

    // The harvest first, as far as it goes: now the guest marks the bitmap that the next report is made of.
    const waits = await move('lockstep/run', { threadId: broken.threadId, to: 'blocked' });
    assert.match(waits.text ?? '', /migration waits for readers of kvm.srcu/);
    await client.request('lockstep/position');
    const ended = client.event('terminated');
    await client.request('continue', { threadId: waits.threadId });
    await ended;
    assert.match(client.said(), /the run ended well/);
    await client.finish();
    assertGolden('who-wrote-this', client.transcript);
  });
});
