/** The discipline of the protocol: the table of requests, cancelling, and one answer and one stop for each. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fc from 'fast-check';
import { requests } from '../../adapter/session/requests.js';
import { ADAPTER, Client, fixture, HELLO, launched } from './client.js';
import type { Stopped } from './looking.js';
import { problemsOf, protocolNames } from './schema.js';

const counting = fixture('counting.lockstep');

describe('the table of requests', () => {
  let client: Client;
  beforeEach(() => {
    client = Client.spawn();
  });
  afterEach(() => client.destroy());

  it('holds only requests of the protocol, and our own', () => {
    const known = protocolNames().requests;
    const others = Object.keys(requests).filter((r) => !known.includes(r) && !r.startsWith('lockstep/'));
    assert.deepEqual(others, []);
  });

  it('answers every request of the protocol, if only with an error that says that it is not supported', async () => {
    await launched({ program: counting, stopOnEntry: true }, client);
    for (const command of protocolNames().requests) {
      if (['disconnect', 'terminate', 'restart', 'configurationDone'].includes(command)) continue;
      const response = await client.ask(command, {});
      const id = (response.body as { error?: { id: number } } | undefined)?.error?.id;
      assert.equal(id === 1005, !Object.hasOwn(requests, command), `${command}: ${response.message}`);
    }
    await client.finish();
  });

  it('tells of exactly those optional requests that it has', async () => {
    const told = await client.request('initialize', HELLO);
    const { capabilities, requests: all } = protocolNames();
    for (const capability of capabilities) {
      const name = /^supports(.+)Request$/.exec(capability)?.[1];
      const command = name === undefined ? '' : `${name[0]?.toLowerCase()}${name.slice(1)}`;
      if (!all.includes(command)) continue;
      assert.equal(told[capability] === true, Object.hasOwn(requests, command), capability);
    }
    await client.finish();
  });

  it('cannot tell of a capability that the protocol does not have', () => {
    const answer = (body: object) =>
      problemsOf({ seq: 1, type: 'response', request_seq: 1, success: true, command: 'initialize', body });
    assert.deepEqual(answer({ supportTerminateDebuggee: true }), []);
    assert.match(answer({ supportsTerminateDebuggee: true }).join(), /supportsTerminateDebuggee/);
  });
});

describe('cancelling', () => {
  let client: Client;
  beforeEach(() => {
    client = Client.spawn();
  });
  afterEach(() => client.destroy());

  const error = (r: { body?: { error?: { id: number } } }) => r.body?.error?.id;

  it('takes back a request that waits behind a launch, and no other', async () => {
    await client.request('initialize', HELLO);
    const launch = client.ask('launch', { program: counting });
    const first = client.ask('threads');
    const second = client.ask('threads');
    const cancel = client.ask('cancel', { requestId: client.lastSeq });
    const cancelled = await second;
    assert.equal(cancelled.success, false);
    assert.equal(cancelled.message, 'cancelled');
    assert.equal(error(cancelled), 1013);
    for (const r of [launch, first, cancel]) assert.equal((await r).success, true);
    await client.finish();
  });

  it('changes nothing for what has been answered, or was never asked', async () => {
    await client.request('initialize', HELLO);
    for (const args of [{ requestId: 1 }, { requestId: 77 }, { progressId: 'progress 9' }, {}])
      await client.request('cancel', args);
    assert.equal((await client.refused('cancel', { requestId: 'x' })).id, 1006);
    await client.finish();
  });

  it('is what becomes of looking when the scenario is to go on', async () => {
    await client.request('initialize', HELLO);
    const launch = client.ask('launch', { program: counting });
    const watch = client.ask('evaluate', { expression: 'n', context: 'watch' });
    const typed = client.ask('evaluate', { expression: '1 + 1', context: 'repl' });
    const restart = client.ask('restart', {});
    assert.equal(error(await watch), 1013);
    assert.equal((await launch).success, true);
    assert.equal((await typed).success, true, 'what a person has typed is answered');
    assert.equal(error(await restart), 1011);
    await client.finish();
  });
});

describe('progress', () => {
  let client: Client;
  beforeEach(() => {
    client = Client.spawn();
  });
  afterEach(() => client.destroy());

  /** Stands after two million steps. */
  const far = async (hello: object) => {
    const program = fixture('far.lockstep');
    await client.request('initialize', { ...HELLO, ...hello });
    await client.request('launch', { program });
    await client.event('initialized');
    await client.request('configurationDone');
    return client.event<Stopped>('stopped');
  };

  it('is told of work that takes long, which can be cancelled by it', async () => {
    await far({ supportsProgressReporting: true });
    const schedule = client.ask('lockstep/schedule', { form: 'block' });
    const { progressId, cancellable } = await client.event<{ progressId: string; cancellable: boolean }>(
      'progressStart',
    );
    assert.equal(cancellable, true);
    await client.request('cancel', { progressId });
    const { success, message } = await schedule;
    assert.deepEqual([success, message], [false, 'cancelled']);
    assert.deepEqual(await client.event('progressEnd'), { progressId });
    await client.finish();
  });

  it('ends with the request that is cancelled', async () => {
    await far({ supportsProgressReporting: true });
    const schedule = client.ask('lockstep/schedule', { form: 'block' });
    const { lastSeq } = client;
    await client.event('progressStart');
    await client.request('cancel', { requestId: lastSeq });
    assert.equal((await schedule).message, 'cancelled');
    await client.event('progressEnd');
    await client.finish();
  });

  it('leads to an early answer when the client leaves', async () => {
    await far({});
    const schedule = client.ask('lockstep/schedule', { form: 'block' });
    await client.finish();
    assert.equal((await schedule).message, 'cancelled');
    assert.equal(
      client.events.some((e) => e.event.startsWith('progress')),
      false,
      'this client did not ask for progress',
    );
  });
});

describe('any sequence of requests', () => {
  let server: ChildProcess;
  let port: number;
  before(async () => {
    server = spawn(process.execPath, [ADAPTER, 'dap', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await new Promise<string>((done) =>
      server.stdout?.once('data', (d: Buffer) => done(d.toString())),
    );
    port = Number(/:(\d+)\n$/.exec(said)?.[1]);
  });
  after(() => void server.kill('SIGKILL'));

  const threadId = fc.integer({ min: 1, max: 4 });
  const one = (command: string, args: Record<string, fc.Arbitrary<unknown>> = {}) =>
    fc.record({ command: fc.constant(command), args: fc.record(args), wait: fc.boolean() });
  const request = fc.oneof(
    ...['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'pause'].map((c) =>
      one(c, { threadId }),
    ),
    one('stackTrace', { threadId }),
    one('threads'),
    one('restart'),
    one('lockstep/run', { threadId, to: fc.constantFrom('lock', 'end', 'blocked', 'switch') }),
    one('lockstep/freeze', { threadId, frozen: fc.boolean() }),
    one('lockstep/schedule', { form: fc.constantFrom('block', 'file') }),
    one('lockstep/goToStep', { step: fc.integer({ min: 0, max: 30 }) }),
    one('cancel', { requestId: fc.integer({ min: 4, max: 20 }) }),
    one('evaluate', { expression: fc.constantFrom('n', '1 +'), context: fc.constantFrom('watch', 'repl') }),
    one('stepInTargets', { frameId: fc.integer({ min: 1, max: 5 }) }),
  );

  it('gets one response for each, and one stop for each time that the scenario comes to stand', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('counting.lockstep', 'endless.lockstep', 'lock-race.lockstep'),
        fc.array(request, { maxLength: 20 }),
        async (program, sequence) => {
          const client = await launched(
            { program: fixture(program), stopOnEntry: true },
            Client.connect(port),
          );
          await client.request('configurationDone');
          await client.event<Stopped>('stopped');
          const answers: Promise<{ success: boolean; body?: { error?: { id: number } } }>[] = [];
          for (const { command, args, wait } of sequence) {
            const answer = client.ask(command, args);
            answers.push(answer);
            if (wait) await answer;
          }
          for (const [k, answer] of answers.entries())
            assert.notEqual((await answer).body?.error?.id, 1099, JSON.stringify(sequence[k]));
          await client.settled();
          await client.finish();
        },
      ),
      { seed: 5, numRuns: 150 },
    );
  });
});
