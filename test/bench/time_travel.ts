/** What going back costs in a history of a million steps, asked of the real adapter over its real transport. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { openSimulation } from '../../adapter/language/run/index.js';
import { Client } from '../dap/client.js';
import { open, openPath, type Stopped, scopesOf } from '../dap/looking.js';

const INITIALIZE = { adapterID: 'lockstep', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' };
/** A field that the scenario of the benchmark writes only while its tables are built, at the beginning. */
const EARLY = 'vm.arch.n_used_mmu_pages';
/** Rounds of that scenario that take a million steps. */
const ROUNDS = 16;
const ARGS = [`--set rounds=${ROUNDS}`];

/** Milliseconds from a request to the stop, or to the answer. */
export interface Times {
  readonly steps: number;
  /** A request that does next to nothing: what the transport and the processes cost. */
  readonly roundTrip: number;
  readonly stepBack: number;
  readonly step: number;
  /** `reverseContinue` to a data breakpoint that was hit only at the beginning. */
  readonly reverseToData: number;
  /** "Who wrote this?", of the same field. */
  readonly lastWrite: number;
  readonly stackTrace: number;
  /** The first hundred entries of a page table of 512: a client asks for that many at once. */
  readonly variables: number;
}

/** Measures at the end of a run of a million steps; the median, or the best of some rounds for what goes far. */
export async function timesOfGoingBack(program: string): Promise<Times> {
  const client = Client.spawn();
  const move = async (command: string, given: object = {}): Promise<Stopped> => {
    await client.request(command, given);
    return client.event<Stopped>('stopped');
  };
  await client.request('initialize', { ...INITIALIZE, supportsVariablePaging: true });
  await client.request('launch', { program, args: ARGS, stopAtEnd: true, history: 8_000_000 });
  await client.event('initialized');
  await client.request('configurationDone');
  await client.event('stopped');
  const { step: steps } = await client.request<{ step: number }>('lockstep/position');
  // Where a page is being harvested: deep inside an operation.
  const { threadId } = await move('lockstep/goToStep', { step: steps - 500 });

  const roundTrip = await median(51, () => client.request('lockstep/position'));
  const stepBack = await median(21, () => move('lockstep/stepBackInto', { threadId }));
  const step = await median(21, () => move('stepIn', { threadId }));
  const stackTrace = await median(21, () => client.request('stackTrace', { threadId }));
  const table = await tableOf(client, threadId);
  const variables = await median(21, () => open(client, table, { filter: 'indexed', start: 0, count: 100 }));

  const [reverses, writes]: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round++) {
    writes.push(await timed(() => move('lockstep/lastWrite', { expression: EARLY })));
    await move('lockstep/goToStep', { step: steps });
    const { dataId } = await client.request<{ dataId: string }>('dataBreakpointInfo', { name: EARLY });
    await client.request('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
    reverses.push(await timed(() => move('reverseContinue', { threadId })));
    await client.request('setDataBreakpoints', { breakpoints: [] });
    await move('lockstep/goToStep', { step: steps });
  }
  await client.finish();
  const [reverseToData, lastWrite] = [Math.min(...reverses), Math.min(...writes)];
  return { steps, roundTrip, stepBack, step, stackTrace, variables, reverseToData, lastWrite };
}

/** The reference under which the entries of the last shadow page are. */
async function tableOf(client: Client, threadId: number): Promise<number> {
  const pages = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages');
  const [page] = pages as DebugProtocol.Variable[];
  const rows = await open(client, page?.variablesReference as number);
  return (
    rows.find((r) => r.name === 'spt')?.variablesReference ??
    (await scopesOf(client, threadId)).get('mmu') ??
    0
  );
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}

async function median(times: number, act: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let k = 0; k < times; k++) all.push(await timed(act));
  return all.sort((a, b) => a - b)[Math.floor(times / 2)] as number;
}

/** Bytes of memory that a step of the history takes, all that is kept of it together. Needs `--expose-gc`. */
export function bytesPerStep(program: string): number {
  const used = (journal: number): { bytes: number; steps: number } => {
    const sim = openSimulation({ program, args: { set: { rounds: BigInt(ROUNDS) }, use: {} }, journal });
    while (sim.run(100_000));
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { bytes: heapUsed + arrayBuffers, steps: sim.position };
  };
  const [without, kept] = [used(0), used(8_000_000)];
  return (kept.bytes - without.bytes) / kept.steps;
}
