/** Function breakpoints: kernel functions, operations and fns by name, and locks. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';
import { type Frames, openPath, type Stopped } from './looking.js';

const kernel = fixture('kernel.lockstep');
const several = fixture('several.lockstep');

describe('function breakpoints', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const set = async (...breakpoints: readonly DebugProtocol.FunctionBreakpoint[]) =>
    (
      await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', {
        breakpoints,
      })
    ).breakpoints;
  const start = async (...breakpoints: readonly DebugProtocol.FunctionBreakpoint[]) => {
    client = await launched({ program: kernel });
    const set_ = await set(...breakpoints);
    await client.request('configurationDone');
    return set_;
  };
  const stop = () => client.event<Stopped>('stopped');
  const names = async (threadId: number) =>
    (await client.request<Frames>('stackTrace', { threadId })).stackFrames.map((f) => f.name);

  it('stop where a kernel function is entered, with its parameters at hand', async () => {
    const [breakpoint] = await start({ name: 'tdp_page_fault' });
    assert.equal(breakpoint?.verified, true);
    assert.match(breakpoint?.source?.path ?? '', /adapter\/emulator\/mmu\/.*\.ts$/);
    const stopped = await stop();
    assert.deepEqual(
      [stopped.reason, stopped.text, stopped.hitBreakpointIds],
      ['function breakpoint', 'entered tdp_page_fault', [breakpoint?.id]],
    );
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId: stopped.threadId });
    const frame = stackFrames.find((f) => f.name === 'tdp_page_fault');
    const told = await client.request('evaluate', { expression: 'vcpu.vcpu_id', frameId: frame?.id });
    assert.equal(told['result'], '0');
    await client.finish();
  });

  it('stop once for each call', async () => {
    await start({ name: 'tdp_page_fault' });
    const stops: string[] = [];
    for (let k = 0; k < 2; k++) {
      const { threadId } = await stop();
      stops.push((await names(threadId)).at(-1) ?? '');
      await client.request('continue', { threadId });
    }
    assert.deepEqual(stops, ['guest', 'other'], 'each guest faults once');
    await client.event('terminated');
    await client.finish();
  });

  it('take globs', async () => {
    const [breakpoint] = await start({ name: '*_page_fault' });
    assert.equal(breakpoint?.verified, true);
    assert.match(breakpoint?.message ?? '', /^\d+ functions: .*tdp_page_fault/);
    assert.match((await stop()).text ?? '', /^entered \w+_page_fault$/);
    await client.finish();
  });

  it('take any glob, and answer at once', async () => {
    client = await launched({ program: kernel });
    const found = await set(
      { name: '*' },
      { name: 't?p_page_fault' },
      { name: `${'*_'.repeat(200)}x` },
      { name: '(a+)+$' },
    );
    assert.deepEqual(
      found.map((b) => b.verified),
      [true, true, false, false],
    );
    await client.finish();
  });

  it('have conditions over parameters and locals, and over what the scenario sees', async () => {
    await start({ name: 'tdp_page_fault', condition: 'vcpu.vcpu_id == 1 && slot.npages == 4096' });
    const { threadId } = await stop();
    assert.equal((await names(threadId)).at(-1), 'other');
    await client.finish();
  });

  it('count their hits', async () => {
    await start({ name: 'tdp_page_fault', hitCondition: '2' });
    const { threadId } = await stop();
    assert.equal((await names(threadId)).at(-1), 'other');
    await client.finish();
  });

  it('stop where an operation begins', async () => {
    await start({ name: 'read' });
    const { threadId, text } = await stop();
    assert.equal(text, 'entered read');
    assert.equal((await names(threadId)).at(-1), 'guest');
    const [qualified] = await set({ name: 'kvm_vcpu.write' });
    assert.equal(qualified?.verified, true);
    await client.finish();
  });

  it('stop where an fn is entered, and not again in its loop', async () => {
    client = await launched({ program: several, scenario: 'calls' });
    const [breakpoint] = await set({ name: 'twice', condition: 'x > 4' });
    assert.equal(breakpoint?.verified, true);
    await client.request('configurationDone');
    const { threadId, text } = await stop();
    assert.equal(text, 'entered twice');
    const rows = await openPath(client, threadId, 'Locals');
    assert.deepEqual(rows.map((r) => [r.name, r.value])[0], ['x', '8']);
    await client.request('continue', { threadId });
    await client.event('terminated');
    await client.finish();
  });

  it('stop before a lock is taken', async () => {
    const [breakpoint] = await start({ name: 'lock:mmu_lock', condition: 'slot != none' });
    assert.equal(breakpoint?.verified, true);
    const { threadId, text, description } = await stop();
    assert.deepEqual([text, description], ['before taking mmu_lock', 'Paused before lock']);
    const rows = await openPath(client, threadId, 'This thread');
    assert.equal(rows.find((r) => r.name === 'next')?.value, 'lock mmu_lock');
    await client.finish();
  });

  it('say what is near a name that nothing has', async () => {
    client = await launched({ program: kernel });
    const found = await set(
      { name: 'tdp_page_falt' },
      { name: 'nothing*at*all' },
      { name: 'lock:mmu_loc' },
      { name: 'tdp_page_fault', condition: 'vcpi.vcpu_id == 0' },
      { name: 'tdp_page_fault', hitCondition: 'often' },
    );
    assert.deepEqual(
      found.map((b) => b.verified),
      [false, false, false, false, false],
    );
    const says = found.map((b) => b.message ?? '');
    assert.match(
      says[0] ?? '',
      /no kernel function that takes steps, no operation and no fn 'tdp_page_falt'.*`tdp_page_fault`/,
    );
    assert.match(says[1] ?? '', /^no kernel function, operation or fn matches 'nothing\*at\*all'/);
    assert.match(says[2] ?? '', /no lock 'mmu_loc' .*`mmu_lock`/);
    assert.match(says[3] ?? '', /^condition: .*`vcpu`/);
    assert.match(says[4] ?? '', /'often' is not a hit condition/);
    await client.finish();
  });

  it('are told again when a restart opens another scenario', async () => {
    client = await launched({ program: several, scenario: 'fails', stopOnEntry: true });
    const [breakpoint] = await set({ name: 'lock:mmu_lock' }, { name: 'twice' });
    assert.equal(breakpoint?.verified, false);
    await client.request('configurationDone');
    await stop();
    await client.request('restart', {
      arguments: { program: kernel, scenario: 'two faults', stopOnEntry: false },
    });
    const changed = await client.event<DebugProtocol.BreakpointEvent['body']>('breakpoint');
    assert.deepEqual(
      [changed.reason, changed.breakpoint.id, changed.breakpoint.verified],
      ['changed', breakpoint?.id, true],
    );
    assert.equal((await stop()).text, 'before taking mmu_lock');
    await client.finish();
  });
});
