/** Sessions inside the kernel model: events, stacks through its functions, its structures, its locks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched, linesWith } from './client.js';
import { assertGolden } from './golden.js';
import { type Frames, open, openPath, type Stopped, scopesOf, topFrame } from './looking.js';

const kernel = fixture('kernel.lockstep');
const line = (word: string) => linesWith(readFileSync(kernel, 'utf8'), word)[0] as number;
const GUEST = 'thread == "guest"';

describe('a session in the kernel model', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const frames = async (threadId: number) =>
    (await client.request<Frames>('stackTrace', { threadId })).stackFrames;
  /** Stops at an event, by its filter and a condition. */
  const at = async (filterId: string, condition?: string) => {
    client = await launched({ program: kernel });
    await client.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId, condition }],
    });
    await client.request('configurationDone');
    return stop();
  };
  const go = async (command: string, threadId: number) => {
    await client.request(command, { threadId });
    return stop();
  };
  /** The frames of the kernel model on a thread's stack. */
  const modelFrames = async (threadId: number) =>
    (await frames(threadId)).filter((f) => f.source?.sourceReference !== undefined);

  it('stops where an spte changes, and shows the page and the entry', async () => {
    const { threadId } = await at('spte', 'level == 1 && gfn == 3 && new_writable');
    await client.request('exceptionInfo', { threadId });
    await client.request('stackTrace', { threadId });
    await scopesOf(client, threadId);
    const spt = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]', 'spt');
    const entry = spt.find((r) => r.name === '[3]') as DebugProtocol.Variable;
    await open(client, entry.variablesReference);
    await client.finish();
    assertGolden('kernel', client.transcript);
  });

  it('shows what is present of a table first, and the rest by pages', async () => {
    const { threadId } = await at('spte', 'level == 1 && gfn == 4');
    const spt = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]', 'spt');
    assert.deepEqual(
      spt.map((r) => r.name),
      ['[3]', '[4]', '… 510 empty'],
    );
    const empty = spt[2] as DebugProtocol.Variable;
    assert.equal(empty.indexedVariables, 510);
    const page = await open(client, empty.variablesReference, { filter: 'indexed', start: 0, count: 5 });
    assert.deepEqual(
      page.map((r) => r.name),
      ['[0]', '[1]', '[2]', '[5]', '[6]'],
    );
    await client.finish();
  });

  it('knows the thread in the condition of every event', async () => {
    const { text } = await at('spte', 'thread == "other" && level == 1');
    assert.match(text ?? '', /gfn 4 level 1/);
    await client.finish();
  });

  it('refuses a condition that is neither true nor false', async () => {
    client = await launched({ program: kernel });
    const { breakpoints } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>(
      'setExceptionBreakpoints',
      { filters: [], filterOptions: [{ filterId: 'spte', condition: 'gfn' }] },
    );
    assert.deepEqual(
      [breakpoints[0]?.verified, breakpoints[0]?.message],
      [false, "a condition is true or false, but 'gfn' is of type int"],
    );
    await client.finish();
  });

  it('steps into an operation and out of it again, with the model as source', async () => {
    client = await launched({ program: kernel });
    const breakpoints = [{ line: line('vcpu[0].write') }];
    await client.request('setBreakpoints', { source: { path: kernel }, breakpoints });
    await client.request('configurationDone');
    const { threadId } = await stop();
    assert.equal((await modelFrames(threadId)).length, 0);
    await go('stepIn', threadId);
    const [inside] = await modelFrames(threadId);
    assert.ok(inside !== undefined, 'a function of the model is on the stack');
    assert.equal(inside.source?.origin, 'kernel model');
    const { content } = await client.request<{ content: string }>('source', {
      source: inside.source,
      sourceReference: inside.source?.sourceReference,
    });
    assert.match(content.split('\n')[inside.line - 1] ?? '', /yield\*/, 'the line is one that takes a step');
    assert.ok(content.includes(`function* ${inside.name}`));
    // Out of a call is where the caller goes on: at its own next step, or inside the next function that it calls.
    for (let outs = 0; (await modelFrames(threadId)).length > 0; outs++) {
      assert.ok(outs < 40, 'each step out ends one call');
      await go('stepOut', threadId);
    }
    assert.equal((await topFrame(client, threadId)).line, line('let seen'));
    await client.finish();
  });

  it('steps over a call: never deeper than it was, and all the way to the next statement', async () => {
    const { threadId } = await at('spte', 'level == 4');
    let depth = (await frames(threadId)).length;
    for (let steps = 0; depth > 1; steps++) {
      assert.ok(steps < 200);
      await go('next', threadId);
      const now = (await frames(threadId)).length;
      assert.ok(now <= depth);
      depth = now;
    }
    assert.equal((await topFrame(client, threadId)).line, line('let seen'));
    await client.finish();
  });

  it('shows parameters and locals of a function of the model, and takes them in expressions', async () => {
    const { threadId } = await at('lock.acquired', `lock == "mmu_lock" && ${GUEST}`);
    const names = (await openPath(client, threadId, 'Locals')).map((r) => r.name);
    assert.equal(names[0], 'vcpu');
    const { id } = await topFrame(client, threadId);
    const value = async (expression: string) =>
      (await client.request('evaluate', { expression, frameId: id, context: 'hover' }))['result'];
    assert.equal(await value('vcpu.vcpu_id'), '0');
    assert.equal(await value('vm.mmu_lock.owner'), '"guest"');
    assert.equal(await value('slot.npages'), '4096');
    await client.finish();
  });

  it('tells who holds the lock that a stepped thread waits for', async () => {
    const { threadId } = await at('lock.acquired', `lock == "mmu_lock" && ${GUEST}`);
    const other = threadId + 1;
    await client.request('setExceptionBreakpoints', { filters: ['lock.contended'] });
    let stopped = await go('next', other);
    assert.equal(stopped.reason, 'exception');
    assert.match(stopped.text ?? '', /other waits for mmu_lock held by guest/);
    stopped = await go('next', other);
    assert.equal(stopped.text, 'other waits for mmu_lock, held by guest');
    const told = Object.fromEntries(
      (await openPath(client, other, 'This thread')).map((r) => [r.name, r.value]),
    );
    assert.equal(told['waits for'], 'mmu_lock, held by guest');
    const lock = await openPath(client, other, 'mmu', 'vm', 'mmu_lock');
    assert.deepEqual(
      lock.map((r) => [r.name, r.value]),
      [
        ['name', '"mmu_lock"'],
        ['held', 'true'],
        ['owner', '"guest"'],
        ['waiters', '["other"]'],
      ],
    );
    const { threads } = await client.request<{ threads: { name: string }[] }>('threads');
    assert.deepEqual(
      threads.map((t) => t.name),
      ['guest (cpu 0)', 'other (cpu 1) waits for mmu_lock, held by guest'],
    );
    await client.finish();
  });

  it('stops at lines of the model, with conditions over its locals', async () => {
    const { threadId } = await at('spte', 'level == 1 && gfn == 4');
    const place = (await frames(threadId)).find((f) => f.name === '__direct_map') as DebugProtocol.StackFrame;
    await client.finish();
    client = await launched({ program: kernel });
    const { breakpoints } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>(
      'setBreakpoints',
      {
        source: { path: place.source?.path, name: place.source?.name },
        breakpoints: [
          { line: place.line, condition: 'vcpu.vcpu_id == 1' },
          { line: place.line, condition: 'vcpi' },
        ],
      },
    );
    assert.deepEqual(
      breakpoints.map((b) => [b.verified, b.line]),
      [
        [true, place.line],
        [false, place.line],
      ],
    );
    assert.match(breakpoints[1]?.message ?? '', /`vcpu`/);
    await client.request('configurationDone');
    const hit = await stop();
    assert.deepEqual([hit.reason, hit.hitBreakpointIds], ['breakpoint', [breakpoints[0]?.id]]);
    const here = (await frames(hit.threadId)).find((f) => f.name === place.name);
    assert.deepEqual([here?.line, basename(here?.source?.path ?? '')], [place.line, 'direct_map.ts']);
    assert.match((await frames(hit.threadId)).at(-1)?.name ?? '', /other/);
    await client.finish();
  });

  it('stops at a broken invariant, and says which rule it is and what breaks it', async () => {
    const program = resolve('scenarios/mmu/missed-flush.lockstep');
    client = await launched({ program, scenario: 'missed flush' });
    await client.request('setExceptionBreakpoints', { filters: ['invariant'] });
    await client.request('configurationDone');
    const { threadId, reason, description } = await stop();
    assert.deepEqual([reason, description], ['exception', 'Paused on Invariant broken']);
    const info = await client.request<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', {
      threadId,
    });
    assert.equal(info.exceptionId, 'invariant');
    assert.match(info.description ?? '', /still translates gfn 0x4/);
    assert.match(info.details?.stackTrace ?? '', /^The rule INV-T3: No spte, and no TLB entry/);
    const ended = client.event<{ exitCode: number }>('exited');
    await client.request('continue', { threadId });
    assert.deepEqual(await ended, { exitCode: 0 }, 'it is what the scenario expects');
    await client.event('terminated');
    assert.equal(
      client.said().match(/still translates gfn 0x4/g)?.length,
      2,
      'told at the stop and in the last line',
    );
    await client.finish();
  });

  it('gives the same frames and the same stops on every run', async () => {
    const run = async () => {
      const stops: unknown[] = [];
      let { threadId } = await at('spte');
      for (let k = 0; k < 6; k++) {
        stops.push((await frames(threadId)).map((f) => [f.id, f.name, f.line]));
        const next = await go('continue', threadId);
        stops.push(next);
        threadId = next.threadId;
      }
      await client.finish();
      return stops;
    };
    assert.deepEqual(await run(), await run());
  });
});
