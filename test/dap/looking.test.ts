/** Looking at a stopped scenario: stack, scopes, variables, evaluation. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Client, fixture, launched, linesWith } from './client.js';
import { type Frames, open, openPath, type Stopped, scopesOf, topFrame } from './looking.js';

const values = fixture('values.lockstep');
const line = (word: string) => linesWith(readFileSync(values, 'utf8'), word)[0] as number;

describe('looking at a stopped scenario', () => {
  let client: Client;
  let threadId: number;

  beforeEach(async () => {
    client = await launched({ program: values });
    await client.request('setBreakpoints', {
      source: { path: values },
      breakpoints: [{ line: line('let q = p') }],
    });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
  });
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });

  const evaluate = async (expression: string, more: Record<string, unknown> = {}) => {
    const { id } = await topFrame(client, threadId);
    return client.ask('evaluate', { expression, frameId: id, context: 'watch', ...more });
  };
  const result = async (expression: string, more = {}) => {
    const response = await evaluate(expression, more);
    return response.success ? response.body.result : response.message;
  };

  it('shows the stack, by parts if it is asked for in parts', async () => {
    const all = await client.request<Frames>('stackTrace', { threadId });
    assert.deepEqual(
      all.stackFrames.map((f) => [f.name, f.line, f.source?.path]),
      [
        ['inner', line('let q = p'), values],
        ['t', line('let result'), values],
      ],
    );
    assert.equal(all.totalFrames, 2);
    const second = await client.request<Frames>('stackTrace', { threadId, startFrame: 1, levels: 5 });
    assert.deepEqual(second.stackFrames, all.stackFrames.slice(1), 'the same frame has the same id');
  });

  it('shows the variables of each frame and of the set-up', async () => {
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId });
    const localsOf = async (frameId: number) => {
      const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>(
        'scopes',
        { frameId },
      );
      const rows = await open(client, scopes.find((s) => s.name === 'Locals')?.variablesReference as number);
      return rows.map((r) => [r.name, r.value]);
    };
    assert.deepEqual(await localsOf(stackFrames[0]?.id as number), [['p', '255']]);
    assert.deepEqual(await localsOf(stackFrames[1]?.id as number), [['local', '255']]);
    const setup = await openPath(client, threadId, 'Setup');
    assert.deepEqual(
      setup.map((r) => [r.name, r.value, r.type]),
      [
        ['big', '20988295479420645121', 'int'],
        ['words', '["a", "b"]', 'list'],
        ['many', '[1, 2, 3, 4, 5, 6, 7, 8, … 12 in all]', 'list'],
        ['pause', '200ms', 'duration'],
        ['peer', '10.0.0.1:4000', 'endpoint'],
        ['unset', 'none', 'none'],
      ],
    );
  });

  it('tells of the thread itself', async () => {
    const rows = await openPath(client, threadId, 'This thread');
    const told = Object.fromEntries(rows.map((r) => [r.name, r.value]));
    assert.deepEqual(
      [told['name'], told['cpu'], told['waits for'], told['holds']],
      ['"t"', '1', 'nothing', 'no lock'],
    );
  });

  it('has no two scopes of a name, and no two variables of a name in one', async () => {
    const scopes = await scopesOf(client, threadId);
    for (const reference of scopes.values()) {
      const names = (await open(client, reference)).map((r) => r.name);
      assert.equal(new Set(names).size, names.length, names.join());
    }
  });

  it('keeps its references from stop to stop, and tells of those that are not there any more', async () => {
    const before = await scopesOf(client, threadId);
    const words = (await open(client, before.get('Setup') as number)).find((r) => r.name === 'words');
    assert.deepEqual(await scopesOf(client, threadId), before);
    await client.request('next', { threadId });
    await client.event('stopped');
    for (const reference of [...before.values(), words?.variablesReference as number])
      assert.equal((await client.refused('variables', { variablesReference: reference })).id, 4002);
    assert.deepEqual(
      await scopesOf(client, threadId),
      before,
      'the same frame and scopes have the same numbers',
    );
    const again = (await open(client, before.get('Setup') as number)).find((r) => r.name === 'words');
    assert.equal(again?.variablesReference, words?.variablesReference);
    await client.request('stepOut', { threadId });
    await client.event('stopped');
    const outer = await scopesOf(client, threadId);
    assert.notEqual(outer.get('Locals'), before.get('Locals'), 'another frame has other locals');
    assert.equal(outer.get('Counters'), before.get('Counters'));
    assert.equal((await client.refused('variables', { variablesReference: before.get('Locals') })).id, 4002);
  });

  it('opens lists by pages', async () => {
    const many = (await openPath(client, threadId, 'Setup')).find((r) => r.name === 'many');
    assert.equal(many?.indexedVariables, 12);
    const page = await open(client, many?.variablesReference as number, {
      filter: 'indexed',
      start: 9,
      count: 100,
    });
    assert.deepEqual(
      page.map((r) => [r.name, r.value, r.evaluateName]),
      [
        ['[9]', '10', 'many[9]'],
        ['[10]', '11', 'many[10]'],
        ['[11]', '12', 'many[11]'],
      ],
    );
    assert.equal(
      (await open(client, many?.variablesReference as number)).length,
      12,
      'a client that knows of no pages sees all',
    );
    assert.equal(await result('many[9]'), '10');
  });

  it('writes integers in hexadecimal where it is asked to', async () => {
    const format = { hex: true };
    assert.equal(await result('p', { format }), '0xff');
    const rows = await open(client, (await scopesOf(client, threadId)).get('Locals') as number, { format });
    assert.equal(rows[0]?.value, '0xff');
  });

  it('evaluates in the chosen frame', async () => {
    assert.equal(await result('p + 1'), '256');
    assert.equal(await result('big + p == 1'), 'false');
    assert.match(await result('local'), /unknown name 'local'/);
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId });
    assert.equal(await result('local', { frameId: stackFrames[1]?.id }), '255');
    assert.equal(
      await result('t.local', { frameId: undefined }),
      '255',
      'without a frame what is visible everywhere',
    );
  });

  it('opens what it has evaluated', async () => {
    const response = await evaluate('words');
    assert.equal(response.body.indexedVariables, 2);
    const rows = await open(client, response.body.variablesReference);
    assert.deepEqual(
      rows.map((r) => r.value),
      ['"a"', '"b"'],
    );
  });

  it('copies a value in full', async () => {
    const all = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]';
    assert.equal(await result('many', { context: 'clipboard' }), all);
  });

  const mistakes: readonly [expression: string, message: RegExp][] = [
    ['', /nothing to evaluate/],
    ['p +', /expected an expression/],
    ['loca', /unknown name 'loca'/],
    ['p / 0', /zero|by 0/],
    ['words[7]', /7/],
    ['unset.field', /none/],
    ['((((((((((((((((((((', /expected|nested/],
    [`${'('.repeat(20_000)}1${')'.repeat(20_000)}`, /at most 64 brackets/],
  ];
  for (const [expression, message] of mistakes)
    it(`says what is wrong with ${expression.slice(0, 30) || 'nothing'}`, async () => {
      for (const context of ['repl', 'hover', 'watch'])
        assert.match(await result(expression, { context }), message);
    });
});
