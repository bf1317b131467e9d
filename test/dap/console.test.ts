/** Commands of the debug console. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';
import { type Stopped, topFrame } from './looking.js';

const kernel = fixture('kernel.lockstep');

describe('the debug console', () => {
  let client: Client;
  beforeEach(async () => {
    client = await launched({ program: kernel, stopAtEnd: true });
    await client.request('configurationDone');
    await client.event<Stopped>('stopped');
  });
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });

  const type = async (expression: string) =>
    (await client.request<{ result: string }>('evaluate', { expression, context: 'repl' })).result;
  const step = async () => (await client.request<{ step: number }>('lockstep/position')).step;

  it('goes to a step, and says to clients that do not know it that the run moves', async () => {
    assert.equal(await type('step 20'), '');
    await client.event('continued');
    assert.equal((await client.event<Stopped>('stopped')).text, 'step 20');
    assert.equal(await step(), 20);
    const error = await client.refused('evaluate', { expression: 'step 100000', context: 'repl' });
    assert.match(error.format, /there is no step 100000: what is known goes from step 0 to step \d+/);
  });

  it('asks who wrote a value', async () => {
    await type('wrote vm.arch.n_used_mmu_pages');
    const { threadId, text } = await client.event<Stopped>('stopped');
    assert.match(text ?? '', /^step \d+ writes .*n_used_mmu_pages, in /);
    assert.equal((await topFrame(client, threadId)).source?.origin, 'kernel model');
    const last = await step();
    await type('wrote vm.arch.n_used_mmu_pages');
    await client.event<Stopped>('stopped');
    assert.ok((await step()) < last);
    await type('writes vm.arch.n_used_mmu_pages');
    await client.event<Stopped>('stopped');
    assert.equal(await step(), last);
  });

  it('sets a value in the past, lists the future that was left, and goes back to it', async () => {
    await type('step 20');
    await client.event<Stopped>('stopped');
    assert.equal(await type('futures'), 'no future was left');
    await type('vm.arch.n_used_mmu_pages = 7');
    assert.equal(await type('vm.arch.n_used_mmu_pages'), '7');
    assert.match(
      await type('futures'),
      /^1: without vm\.arch\.n_used_mmu_pages = 7, from step 20 to step \d+$/,
    );
    await type('future 1');
    await client.event<Stopped>('stopped');
    assert.notEqual(await type('vm.arch.n_used_mmu_pages'), '7');
  });

  it('writes out stacks and state, and lists what can be typed', async () => {
    await type('step 40');
    await client.event<Stopped>('stopped');
    assert.match(await type('stacks'), /^guest \(cpu 0;/m);
    assert.match(await type('dump'), /^# mmu, step 40$/m);
    assert.match(await type('help'), /^step NUMBER +go to/m);
    const error = await client.refused('evaluate', { expression: 'stepp 3', context: 'repl' });
    assert.ok(error.format.length > 0);
    const { targets } = await client.request<DebugProtocol.CompletionsResponse['body']>('completions', {
      text: 'wr',
      column: 3,
    });
    assert.deepEqual(
      targets.filter((t) => t.type === 'keyword').map((t) => t.label),
      ['wrote', 'writes'],
    );
  });
});
