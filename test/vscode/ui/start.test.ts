import { strict as assert } from 'node:assert';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { temporaryFolder } from '../../../build/children.mjs';

type Start = ChildProcessByStdio<null, Readable, Readable>;

const FILE = 'scenarios/mmu/first-tour.lockstep';

/** What a test has started, to be ended should the test fail. */
const started: Start[] = [];

/** Starts `npm start` with these arguments, as the shell would. */
function start(args: string[], env: Record<string, string | undefined> = {}) {
  const child: Start = spawn(process.execPath, ['build/start.mjs', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DISPLAY: undefined, WAYLAND_DISPLAY: undefined, ...env },
  });
  started.push(child);
  let output = '';
  const heard = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
      heard.emit('more');
    });
  }
  const ended = new Promise<number | null>((done) => child.once('close', done));
  /** Resolves with the match as soon as the output has it. */
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((done, fail) => {
      heard.on('more', () => {
        const found = pattern.exec(output);
        if (found) done(found);
      });
      void ended.then((status) => fail(new Error(`ended with ${status}: ${output}`)));
    });
  return { child, ended, says, output: () => output };
}

/** Opens an address as a browser does, which keeps the cookie that the first answer gives it. */
async function open(address: string): Promise<Response> {
  const first = await fetch(address, { redirect: 'manual' });
  const cookie = first.headers.get('set-cookie') ?? '';
  return fetch(new URL(first.headers.get('location') ?? '', address), { headers: { cookie } });
}

describe('npm start', () => {
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('serves VS Code in the browser until Ctrl-C, and leaves nothing running', async () => {
    const run = start(['--browser']);
    const [address] = await run.says(/http:\/\/127\.0\.0\.1:\S+/);
    const page = await open(address);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /workbench/);
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 130);
    await assert.rejects(fetch(address));
  });

  it('refuses who does not have the address that it printed', async () => {
    const run = start(['--browser']);
    const [address] = await run.says(/http:\/\/127\.0\.0\.1:\d+/);
    assert.equal((await fetch(`${address}/`)).status, 403);
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 143);
  });

  it('opens a desktop VS Code on the scenarios, and closes it on Ctrl-C', async () => {
    const { path, remove } = temporaryFolder('lockstep-code');
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    // In place of VS Code: tells us its arguments over a connection that lasts as long as it does.
    const program = `require('net').connect(${port}, '127.0.0.1').write(process.argv.slice(2).join('\\n') + '\\n\\n');`;
    mkdirSync(join(path, 'bin'));
    for (const name of ['bin/code', 'code']) {
      writeFileSync(join(path, name), `#!${process.execPath}\n${program}\n`, { mode: 0o755 });
    }
    const run = start([], { DISPLAY: ':99', PATH: `${join(path, 'bin')}:${process.env.PATH}` });
    const [opened]: Socket[] = await once(listener, 'connection');
    const [data] = await once(opened.setEncoding('utf8'), 'data');
    const args = String(data).split('\n');
    assert.ok(args.includes(`--extensionDevelopmentPath=${resolve('.')}`));
    assert.ok(args.includes(resolve('scenarios')));
    assert.ok(args.includes(resolve(FILE)));
    const gone = once(opened, 'close');
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 130);
    await gone;
    listener.close();
    remove();
  });

  it('says why a desktop VS Code that was asked for cannot be opened', async () => {
    const run = start(['--desktop']);
    assert.equal(await run.ended, 1);
    assert.match(run.output(), /^error: a desktop VS Code cannot be opened: there is no display$/m);
  });

  it('knows no other option', async () => {
    const run = start(['--dekstop']);
    assert.equal(await run.ended, 1);
    assert.match(run.output(), /^error: Unknown option '--dekstop'/m);
  });
});
