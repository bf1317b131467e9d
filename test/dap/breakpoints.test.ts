/** Breakpoints on scenario lines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched, linesWith } from './client.js';
import { type Stopped, topFrame } from './looking.js';

const counting = fixture('counting.lockstep');
const several = fixture('several.lockstep');
const endless = fixture('endless.lockstep');
const oneLine = fixture('one-line.lockstep');
const line = (word: string, file = counting) => linesWith(readFileSync(file, 'utf8'), word)[0] as number;

describe('breakpoints on lines', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const set = async (breakpoints: readonly DebugProtocol.SourceBreakpoint[], path = counting) => {
    const source = { path };
    return (
      await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', {
        source,
        breakpoints,
      })
    ).breakpoints;
  };
  const stop = () => client.event<Stopped>('stopped');
  const value = async (expression: string, threadId: number) => {
    const { id } = await topFrame(client, threadId);
    return (await client.request('evaluate', { expression, frameId: id, context: 'watch' }))['result'];
  };

  it('are verified on statements, and moved to the next one from between two', async () => {
    client = await launched({ program: counting });
    const between = line('// a comment');
    const found = await set([
      { line: line('let j = 10') },
      { line: between },
      { line: between - 1 },
      { line: line('thread b {') },
    ]);
    const to = [line('let j = 10'), line('seen = seen + j'), line('seen = seen + j'), line('let j = 10')];
    assert.deepEqual(
      found.map((b) => [b.verified, b.line]),
      to.map((l) => [true, l]),
    );
    await client.finish();
  });

  it('say where the nearest statement is when there is none', async () => {
    client = await launched({ program: counting });
    const [last] = await set([{ line: 99 }]);
    assert.equal(last?.verified, false);
    assert.match(last?.message ?? '', new RegExp(`nearest is on line ${line('assert seen') + 1}`));
    const [elsewhere] = await set([{ line: 3 }], several);
    assert.match(elsewhere?.message ?? '', /no statement of the running scenario is in this file/);
    await client.finish();
  });

  it('do not move into another scenario of the file', async () => {
    client = await launched({ program: several, scenario: 'calls' });
    const found = await set(
      [{ line: line('let x = 1', several) }, { line: line('wait flag', several) }],
      several,
    );
    assert.deepEqual(
      found.map((b) => b.verified),
      [false, false],
    );
    const [inFn] = await set([{ line: line('return y', several) }], several);
    assert.equal(inFn?.verified, true, 'an fn that the scenario calls is part of it');
    await client.finish();
  });

  it('stop when their condition holds', async () => {
    client = await launched({ program: counting });
    await set([{ line: line('i = i + 1'), condition: 'i == 2 && seen == 3' }]);
    await client.request('configurationDone');
    const { threadId, reason, hitBreakpointIds } = await stop();
    assert.deepEqual([reason, hitBreakpointIds?.length], ['breakpoint', 1]);
    assert.equal(await value('i', threadId), '2');
    await client.finish();
  });

  const counts: readonly [condition: string, seen: readonly string[]][] = [
    ['2', ['1']],
    ['== 3', ['2']],
    ['>= 2', ['1', '2']],
    ['% 2', ['1']],
    ['< 3', ['0', '1']],
  ];
  for (const [hitCondition, seen] of counts)
    it(`count their hits: ${hitCondition}`, async () => {
      client = await launched({ program: counting });
      await set([{ line: line('i = i + 1'), hitCondition }]);
      await client.request('configurationDone');
      for (const i of seen) {
        const { threadId } = await stop();
        assert.equal(await value('i', threadId), i);
        await client.request('continue', { threadId });
      }
      assert.equal((await stop()).text, 'breakpoint statement');
      await client.finish();
    });

  it('print instead of stopping', async () => {
    client = await launched({ program: counting });
    await set([{ line: line('i = i + 1'), logMessage: 'i is {i}, {{seen}} is {seen + 0} and {nothing' }]);
    await set([{ line: line('i = i + 1'), logMessage: 'i is {i}, {{seen}} is {seen + 0}' }]);
    await client.request('configurationDone');
    await stop();
    assert.equal(client.said('console'), 'i is 0, {seen} is 1\ni is 1, {seen} is 2\ni is 2, {seen} is 3\n');
    await client.finish();
  });

  it('say what is wrong with a condition, a hit condition and a log message', async () => {
    client = await launched({ program: counting });
    const found = await set([
      { line: line('i = i + 1'), condition: 'sen > 3' },
      { line: line('i = i + 1'), condition: 'i +' },
      { line: line('i = i + 1'), hitCondition: 'often' },
      { line: line('i = i + 1'), logMessage: '{j}' },
    ]);
    assert.deepEqual(
      found.map((b) => b.verified),
      [false, false, false, false],
    );
    assert.match(found[0]?.message ?? '', /`seen`/);
    assert.match(found[1]?.message ?? '', /expected/);
    assert.match(found[2]?.message ?? '', /'often' is not a hit condition.*>= 3/);
    assert.match(found[3]?.message ?? '', /\{j\}/);
    await client.finish();
  });

  it('stop and say so when their condition cannot be told', async () => {
    client = await launched({ program: counting });
    await set([{ line: line('i = i + 1'), condition: '1 / i == 1' }]);
    await client.request('configurationDone');
    assert.match((await stop()).text ?? '', /the condition '1 \/ i == 1' cannot be told: /);
    await client.finish();
  });

  it('keep their counts when others are set', async () => {
    client = await launched({ program: counting });
    const counted = { line: line('i = i + 1'), hitCondition: '3' };
    const [first] = await set([counted, { line: line('seen = seen + 1') }]);
    await client.request('configurationDone');
    const { threadId } = await stop();
    await client.request('continue', { threadId });
    await stop();
    const [kept] = await set([counted]);
    assert.equal(kept?.id, first?.id);
    await client.request('continue', { threadId });
    await stop();
    assert.equal(await value('i', threadId), '2');
    await client.finish();
  });

  it('are not hit again at the place where the person set them while stopped', async () => {
    client = await launched({ program: counting, stopOnEntry: true });
    await client.request('configurationDone');
    const { threadId } = await stop();
    await set([{ line: line('let n = 3') }]);
    await client.request('continue', { threadId });
    assert.equal((await stop()).text, 'breakpoint statement');
    await client.finish();
  });

  it('can be on any statement of a line, by its column', async () => {
    client = await launched({ program: oneLine });
    const source = { path: oneLine };
    type Places = { breakpoints: { line: number; column: number }[] };
    const places = async (more = {}) =>
      (await client.request<Places>('breakpointLocations', { source, line: 4, ...more })).breakpoints;
    const columns = (await places()).map((b) => b.column);
    assert.equal(columns.length, 4, 'three statements, and the end of the body');
    const [first = 0, second = 0, third = 0] = columns;
    assert.deepEqual(
      (await places({ column: second, endColumn: third - 1 })).map((b) => b.column),
      [second],
    );
    const found = await set(
      [{ line: 4, column: second }, { line: 4 }, { line: 4, column: second + 1 }],
      oneLine,
    );
    assert.deepEqual(
      found.map((b) => b.column),
      [second, first, third],
    );
    await set([{ line: 4, column: second }], oneLine);
    await client.request('configurationDone');
    const { threadId } = await stop();
    assert.equal((await topFrame(client, threadId)).column, second);
    assert.equal(await value('n', threadId), '1');
    await client.finish();
  });

  it('can be set while the scenario runs', async () => {
    client = await launched({ program: endless });
    await client.request('configurationDone');
    const [breakpoint] = await set([{ line: line('n = n + 1', endless), hitCondition: '>= 3' }], endless);
    const { hitBreakpointIds } = await stop();
    assert.deepEqual(hitBreakpointIds, [breakpoint?.id]);
    await client.finish();
  });

  it('are told again when a restart opens a file that they are in', async () => {
    client = await launched({ program: counting, stopOnEntry: true });
    const [elsewhere] = await set([{ line: line('n = n + 1', endless) }], endless);
    assert.equal(elsewhere?.verified, false);
    await client.request('configurationDone');
    await stop();
    await client.request('restart', { arguments: { program: endless, stopOnEntry: false } });
    const { reason, breakpoint } = await client.event<DebugProtocol.BreakpointEvent['body']>('breakpoint');
    assert.deepEqual([reason, breakpoint.id, breakpoint.verified], ['changed', elsewhere?.id, true]);
    assert.deepEqual((await stop()).hitBreakpointIds, [elsewhere?.id]);
    await client.finish();
  });

  it('know the places where they can be', async () => {
    client = await launched({ program: counting });
    const [from, to] = [line('let i = 0'), line('let j = 10')];
    const { breakpoints } = await client.request<{ breakpoints: { line: number }[] }>('breakpointLocations', {
      source: { path: counting },
      line: from,
      endLine: to,
    });
    const lines = ['let i', 'while', 'seen = seen + 1', 'i = i + 1', 'print "a'].map((w) => line(w));
    assert.deepEqual(
      breakpoints.map((b) => b.line),
      [...lines, line('print "a') + 1, to],
    );
    await client.finish();
  });
});
