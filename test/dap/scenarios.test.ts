/** Every shipped scenario, through the adapter: debugging one does not change what comes of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ADAPTER, Client, launched } from './client.js';

const files = readdirSync('scenarios', { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.lockstep'))
  .map((f) => resolve('scenarios', f))
  .sort();

describe('shipped scenarios in the debugger', () => {
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

  /** Runs a scenario to its end and returns the last lines that it says. */
  const ending = async (program: string, scenario: string, debug: boolean) => {
    const client = await launched({ program, scenario, noDebug: !debug }, Client.connect(port));
    if (debug) {
      const filterOptions = [
        { filterId: 'spte', condition: 'gfn == 0 - 1' },
        { filterId: 'lock.acquired', condition: 'lock == ""' },
      ];
      await client.request('setExceptionBreakpoints', { filters: [], filterOptions });
    }
    await client.request('configurationDone');
    await client.event('terminated');
    const { exitCode } = await client.event<{ exitCode: number }>('exited');
    // Who wrote what last is known only where a journal is kept.
    const lines = client.said().replace(/^ .*: (last written by|no write of it) .*\n/gm, '');
    await client.finish();
    return { exitCode, lines };
  };

  for (const program of files)
    for (const [, scenario = ''] of readFileSync(program, 'utf8').matchAll(/^scenario "(.*?)"/gm))
      it(scenario, async () => {
        const plain = await ending(program, scenario, false);
        assert.deepEqual(await ending(program, scenario, true), plain);
        assert.equal(plain.exitCode, 0, plain.lines);
      });
});
