import { strict as assert } from 'node:assert';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { Client, clientOf } from './fixtures/client.js';

const SERVER = 'dist/language-server.js';
const URI = 'file:///work/a.lockstep';

describe('the process of the language server', () => {
  before(() => assert.ok(existsSync(SERVER), `${SERVER} is not there: run npm run build`));

  const talks = async (client: Client) => {
    const { capabilities } = await client.initialize();
    assert.ok(capabilities['hoverProvider'] === true);
    const found = await client.open(URI, 'scenaro "x" { use mmu thread t { } }');
    assert.match(found[0]?.message ?? '', /did you mean `scenario`\?/);
    assert.deepEqual(await client.change(URI, 'scenario "x" { use mmu thread t { } }'), []);
    const items = await client.ask<{ label: string }[]>('completion', URI, { line: 0, character: 33 });
    assert.ok(
      items.some((i) => i.label === 'vcpu'),
      items.map((i) => i.label).join(' '),
    );
    await client.close();
  };

  it('talks over its standard input and output, and ends when it is told to', async () => {
    const child = spawn(process.execPath, [SERVER, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await talks(clientOf(child.stdout, child.stdin));
    assert.deepEqual(await ended, [0, null]);
  });

  it('talks over the channel of Node.js', async () => {
    const child = fork(SERVER, ['--node-ipc'], { execArgv: [] });
    const ended = once(child, 'exit');
    await talks(
      new Client(createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child))),
    );
    assert.deepEqual(await ended, [0, null]);
  });

  it('ends when its client vanishes', async () => {
    const child = spawn(process.execPath, [SERVER, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const client = clientOf(child.stdout, child.stdin);
    await client.initialize();
    child.stdin.end();
    await ended;
  });
});
