/** A guest of 1 GiB in a debug session, to its end: how fast that is, and how much memory it takes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Client } from '../dap/client.js';

const PROGRAM = 'test/bench/one-gib.lockstep';
/** A page in the middle of the guest. */
const GFN = '0x12345';

export interface OneGib {
  readonly steps: number;
  readonly seconds: number;
  /** Stops at the breakpoint: at each change of the entry for one page. */
  readonly stops: number;
  /** Bytes of memory that the adapter's process had at most, beyond what it had before the first step. */
  readonly bytes: number;
  readonly pages: number;
}

/** Resident memory of a process in bytes, now and at most; where the system keeps no maximum, only as it is now. */
function memoryOf(pid: number): { now: number; most: number } {
  if (!existsSync('/proc/self/status')) {
    const now = Number(execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' })) * 1024;
    return { now, most: now };
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
  return { now: kib('VmRSS') * 1024, most: kib('VmHWM') * 1024 };
}

/** Runs it for some rounds with a breakpoint on the changes of one entry, going on after every stop. */
export async function oneGib(rounds: number): Promise<OneGib> {
  const args = ['--use invariants=none', `--set rounds=${rounds}`];
  const client = Client.spawn();
  const pid = client.process.pid as number;
  await client.request('initialize', {
    adapterID: 'lockstep',
    linesStartAt1: true,
    columnsStartAt1: true,
    pathFormat: 'path',
  });
  await client.request('launch', { program: PROGRAM, args });
  await client.event('initialized');
  await client.request('setExceptionBreakpoints', {
    filters: [],
    filterOptions: [{ filterId: 'spte', condition: `gfn == ${GFN}` }],
  });
  const before = memoryOf(pid).now;
  const from = performance.now();
  await client.request('configurationDone');
  const ended = client.event('terminated').then(() => undefined);
  let stops = 0;
  for (;;) {
    const stop = await Promise.race([client.event<{ threadId: number }>('stopped'), ended]);
    if (stop === undefined) break;
    stops++;
    await client.request('continue', { threadId: stop.threadId });
  }
  const seconds = (performance.now() - from) / 1000;
  const bytes = memoryOf(pid).most - before;
  const steps = /passed in (\d+) steps/.exec(client.said())?.[1];
  if (steps === undefined) throw new Error(`the session did not end well: ${client.said()}`);
  await client.finish();
  return { steps: Number(steps), seconds, stops, bytes, pages: 262_144 };
}
