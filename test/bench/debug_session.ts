/** Whole debug sessions, with the real adapter in a process of its own. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client } from '../dap/client.js';

const INITIALIZE = { adapterID: 'lockstep', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' };

/** Steps per second of a session that runs from the start to the end, with an event breakpoint or without any. */
export async function debugSession(
  program: string,
  filter?: DebugProtocol.ExceptionFilterOptions,
): Promise<number> {
  const client = Client.spawn();
  await client.request('initialize', INITIALIZE);
  await client.request('launch', { program, args: ['--use invariants=none', '--set rounds=40'] });
  await client.event('initialized');
  await client.request('setExceptionBreakpoints', {
    filters: [],
    ...(filter ? { filterOptions: [filter] } : {}),
  });
  const from = performance.now();
  await client.request('configurationDone');
  await client.event('terminated');
  const seconds = (performance.now() - from) / 1000;
  const steps = /passed in (\d+) steps/.exec(client.said())?.[1];
  if (steps === undefined) throw new Error(`the session did not end well: ${client.said()}`);
  await client.finish();
  return Number(steps) / seconds;
}

/** Milliseconds from starting the adapter's process to its first `stopped`, at entry. The best of some rounds. */
export async function firstStop(program: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    const client = Client.spawn();
    await client.request('initialize', INITIALIZE);
    await client.request('launch', { program, stopOnEntry: true });
    await client.event('initialized');
    await client.request('configurationDone');
    await client.event('stopped');
    best = Math.min(best, performance.now() - from);
    await client.finish();
  }
  return best;
}
