/** What an adapter must survive, and what it must answer to what nobody should send. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import fc from 'fast-check';
import { Client, fixture, HELLO, launched } from './client.js';
import { assertGolden } from './golden.js';

const counting = fixture('counting.lockstep');

const filterLine = (f: DebugProtocol.ExceptionBreakpointsFilter) =>
  `${f.filter}: ${f.label}${f.default ? ', on' : ''}`;

describe('the protocol', () => {
  let client: Client;
  beforeEach(() => {
    client = Client.spawn();
  });
  afterEach(() => client.destroy());

  it('answers initialize with what it can do', async () => {
    const body = await client.request('initialize', HELLO);
    await client.finish();
    // One capability in a line, so that a change is seen as one; of the filters what a person decides by.
    const lines = Object.entries(body).flatMap(([name, value]) =>
      Array.isArray(value)
        ? [`${name}:`, ...value.map((v) => `  ${typeof v === 'string' ? v : filterLine(v)}`)]
        : [`${name}: ${JSON.stringify(value)}`],
    );
    assertGolden('capabilities', lines);
  });

  it('refuses what comes before initialize, before launch, twice, or too early', async () => {
    const source = { path: counting };
    assert.equal((await client.refused('setBreakpoints', { source, breakpoints: [] })).id, 1007);
    await client.request('initialize', HELLO);
    assert.equal((await client.refused('initialize', HELLO)).id, 1009);
    for (const command of ['configurationDone', 'threads', 'terminate'])
      assert.equal((await client.refused(command)).id, 1008);
    assert.equal((await client.refused('setBreakpoints', { source, breakpoints: [] })).id, 1008);
    await client.request('launch', { program: counting, stopOnEntry: true });
    assert.equal((await client.refused('launch', { program: counting })).id, 1009);
    assert.equal((await client.refused('continue', { threadId: 1 })).id, 1011);
    await client.request('configurationDone');
    await client.event('stopped');
    assert.equal((await client.refused('configurationDone')).id, 1009);
    await client.finish();
  });

  it('answers a request that it does not know, with a near name', async () => {
    const error = await client.refused('initialise');
    assert.equal(error.id, 1005);
    assert.match(error.format, /'initialise' is not supported; did you mean `initialize`\?/);
    assert.equal((await client.refused('constructor')).id, 1005);
    await client.finish();
  });

  it('refuses a client that counts from 0', async () => {
    assert.equal((await client.refused('initialize', { ...HELLO, linesStartAt1: false })).id, 1012);
    await client.finish();
  });

  it('says which argument is wrong', async () => {
    await launched({ program: counting, stopOnEntry: true }, client);
    const source = { path: counting };
    const cases: readonly [command: string, args: unknown, message: RegExp][] = [
      ['setBreakpoints', {}, /source must be an object, but it is missing/],
      [
        'setBreakpoints',
        { source, breakpoints: [{ line: 1 }, { line: 'x' }] },
        /breakpoints\[1\]\.line must be an integer/,
      ],
      ['setExceptionBreakpoints', { filters: 'all' }, /filters must be a list, but it is the string "all"/],
      ['threads', undefined, /^$/],
      ['evaluate', { expression: 5 }, /expression must be a string/],
      ['source', [], /an object, but it is a list/],
    ];
    for (const [command, args, message] of cases) {
      const response = await client.ask(command, args);
      assert.match(response.success ? '' : String(response.message), message);
    }
    await client.request('configurationDone');
    const { threadId } = await client.event<{ threadId: number }>('stopped');
    for (const args of [{ threadId: 1.5 }, { threadId: null }, 'no', 7, null, []])
      assert.equal((await client.refused('stackTrace', args)).id, 1006);
    assert.equal((await client.refused('scopes', { frameId: 12345 })).id, 4001);
    assert.equal((await client.refused('variables', { variablesReference: 12345 })).id, 4002);
    assert.equal((await client.refused('source', { sourceReference: 999 })).id, 4003);
    assert.equal((await client.refused('exceptionInfo', { threadId })).id, 4005);
    await client.finish();
  });

  it('skips what is no message, and goes on with the next', async () => {
    const garbage: readonly [bytes: string, complaint: RegExp][] = [
      ['Content-Length: abc\r\n\r\n{}', /error 1001/],
      ['Content-Length: -5\r\n\r\n', /error 1001/],
      ['nothing that is a header\r\n\r\n', /error 1001/],
      [`${'x'.repeat(20_000)}`, /error 1001: .*no empty line/],
      ['Content-Length: 9\r\n\r\n{"seq": 1', /error 1002: .*JSON/],
      [`Content-Length: 20000000\r\n\r\n${' '.repeat(20_000_000)}`, /error 1003: .*20000000/],
      ['Content-Length: 4\r\n\r\nnull', /error 1004/],
      ['Content-Length: 2\r\n\r\n[]', /error 1004/],
      ['Content-Length: 40\r\n\r\n{"seq":"x","type":"request","command":1} ', /error 1004/],
    ];
    for (const [bytes, complaint] of garbage) {
      const before = client.events.length;
      client.raw(bytes);
      assert.equal((await client.refused('nonsense')).id, 1005);
      assert.match(
        client.events
          .slice(before)
          .map((e) => e.body.output)
          .join(''),
        complaint,
      );
    }
    await client.request('initialize', HELLO);
    await client.finish();
  });

  it('ends with its client', async () => {
    await launched({ program: fixture('endless.lockstep') }, client);
    await client.request('configurationDone');
    const { process: adapter } = client as Client & { process: import('node:child_process').ChildProcess };
    const ended = new Promise<number | null>((done) => adapter.once('exit', done));
    adapter.stdin?.end();
    assert.equal(await ended, 0);
  });

  it('survives anything that is put together from its own words', async () => {
    await launched({ program: counting, stopOnEntry: true }, client);
    await client.request('configurationDone');
    await client.event('stopped');
    const commands = [
      'setBreakpoints',
      'stackTrace',
      'scopes',
      'variables',
      'evaluate',
      'setExceptionBreakpoints',
      'threads',
      'source',
      'pause',
      'breakpointLocations',
      'exceptionInfo',
    ];
    const words = [
      'source',
      'path',
      'breakpoints',
      'line',
      'condition',
      'threadId',
      'frameId',
      'variablesReference',
      'expression',
      'filters',
      'start',
      'count',
      'format',
      'sourceReference',
    ];
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 3 }),
      object: fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 5 }),
    }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...commands), json.object, async (command, args) => {
        const response = await client.ask(command, args);
        const error = response.success ? 0 : (response.body as { error: { id: number } }).error.id;
        assert.notEqual(error, 1099, JSON.stringify([command, args, response]));
      }),
      { seed: 2, numRuns: 400 },
    );
    assert.equal((await client.request<{ threads: unknown[] }>('threads')).threads.length, 1);
    await client.finish();
  });
});
