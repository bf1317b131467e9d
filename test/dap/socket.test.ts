/** The adapter on a loopback socket. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { ADAPTER, Client, fixture, launched } from './client.js';

const endless = fixture('endless.lockstep');

describe('the adapter on a socket', () => {
  let server: ChildProcess;
  let port: number;

  beforeEach(async () => {
    server = spawn(process.execPath, [ADAPTER, 'dap', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await new Promise<string>((done) =>
      server.stdout?.once('data', (d: Buffer) => done(d.toString())),
    );
    port = Number(/^listening on 127\.0\.0\.1:(\d+)\n$/.exec(said)?.[1]);
  });
  afterEach(() => void server.kill('SIGKILL'));

  it('serves several sessions at once, each with its own scenario', async () => {
    const one = await launched({ program: endless }, Client.connect(port));
    const two = await launched({ program: fixture('counting.lockstep') }, Client.connect(port));
    await one.request('configurationDone');
    await two.request('configurationDone');
    const stop = await two.event<{ threadId: number }>('stopped');
    await one.request('pause', { threadId: 2 });
    await one.event('stopped');
    const n = await one.request('evaluate', { expression: 'n' });
    await two.request('continue', { threadId: stop.threadId });
    assert.deepEqual(await two.event('exited'), { exitCode: 0 });
    assert.deepEqual(await one.request('evaluate', { expression: 'n' }), n, 'the stopped one has not moved');
    await one.finish();
    await two.finish();
  });

  it('outlives a client that vanishes while its scenario spins', async () => {
    const lost = await launched({ program: endless }, Client.connect(port));
    await lost.request('configurationDone');
    lost.destroy();
    const next = await launched(
      { program: fixture('counting.lockstep'), noDebug: true },
      Client.connect(port),
    );
    await next.request('configurationDone');
    await next.event('terminated');
    await next.finish();
  });

  it('ends at once when it is told to, also with sessions', async () => {
    const client = await launched({ program: endless }, Client.connect(port));
    await client.request('configurationDone');
    const ended = new Promise((done) => server.once('exit', done));
    server.kill('SIGTERM');
    await Promise.all([ended, client.closed]);
  });

  it('says so when the port is taken', async () => {
    const second = spawn(process.execPath, [ADAPTER, 'dap', '--port', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    second.stderr.on('data', (d: Buffer) => {
      said += d;
    });
    const status = await new Promise((done) => second.once('close', done));
    assert.match(said, new RegExp(`port ${port} is in use`));
    assert.doesNotMatch(said, /\n\s+at /, 'no stack trace');
    assert.notEqual(status, 0);
  });
});
