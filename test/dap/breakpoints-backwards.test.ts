/** Every kind of breakpoint, on the way back: `reverseContinue` stops where a run forwards stops, in the opposite order. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Client, fixture, launched, linesWith } from './client.js';
import type { Stopped } from './looking.js';

const kernel = fixture('kernel.lockstep');
const counting = fixture('counting.lockstep');
const line = (word: string) => linesWith(readFileSync(counting, 'utf8'), word)[0] as number;

/** What a client sets, by request. */
type Setting = readonly [request: string, args: unknown];

const kinds: readonly [name: string, program: string, setting: (client: Client) => Promise<Setting>][] = [
  [
    'lines',
    counting,
    async () => [
      'setBreakpoints',
      { source: { path: counting }, breakpoints: [{ line: line('i = i + 1') }, { line: line('let j') }] },
    ],
  ],
  [
    'lines with conditions and hit conditions',
    counting,
    async () => [
      'setBreakpoints',
      {
        source: { path: counting },
        breakpoints: [
          { line: line('i = i + 1'), hitCondition: '% 2' },
          { line: line('seen = seen + j'), condition: 'seen == 3' },
        ],
      },
    ],
  ],
  [
    'lines of the kernel model',
    kernel,
    async (client) => {
      const source = { path: 'adapter/emulator/mmu/direct_map.ts' };
      type Places = { breakpoints: { line: number }[] };
      const { breakpoints } = await client.request<Places>('breakpointLocations', {
        source,
        line: 1,
        endLine: 999,
      });
      return ['setBreakpoints', { source, breakpoints: breakpoints.map(({ line }) => ({ line })) }];
    },
  ],
  ['functions', kernel, async () => ['setFunctionBreakpoints', { breakpoints: [{ name: '*_page_fault' }] }]],
  ['operations', kernel, async () => ['setFunctionBreakpoints', { breakpoints: [{ name: 'kvm_vcpu.*' }] }]],
  [
    'locks',
    kernel,
    async () => [
      'setFunctionBreakpoints',
      { breakpoints: [{ name: 'lock:mmu_lock' }, { name: 'lock:slots_lock' }] },
    ],
  ],
  [
    'events that are told by what they write',
    kernel,
    async () => [
      'setExceptionBreakpoints',
      { filters: ['lock.acquired'], filterOptions: [{ filterId: 'spte', condition: 'level == 1' }] },
    ],
  ],
  [
    'events that nothing tells',
    kernel,
    async () => ['setExceptionBreakpoints', { filters: ['kvm_exit', 'kvm_page_fault'] }],
  ],
  [
    'state conditions',
    kernel,
    async () => [
      'setExceptionBreakpoints',
      {
        filters: [],
        filterOptions: [
          { filterId: 'expression', condition: 'vm.arch.n_used_mmu_pages % 2 == 0' },
          { filterId: 'expression', condition: 'spte(4).present' },
          { filterId: 'expression', condition: 'any t in tlb_entries : t.writable' },
        ],
      },
    ],
  ],
  [
    'data that is written',
    kernel,
    async (client) => {
      const ids = await Promise.all(
        ['vm.arch.n_used_mmu_pages', 'spte(3).dirty', 'vcpu[0].arch.mmu.root_hpa', 'slot'].map(
          async (name) => (await client.request('dataBreakpointInfo', { name }))['dataId'],
        ),
      );
      return ['setDataBreakpoints', { breakpoints: ids.map((dataId) => ({ dataId })) }];
    },
  ],
  [
    'data that is read',
    kernel,
    async (client) => {
      const { dataId } = await client.request('dataBreakpointInfo', { name: 'vm.mmu_notifier_seq' });
      return ['setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'readWrite' }] }];
    },
  ],
];

describe('breakpoints on the way back', () => {
  let client: Client;
  afterEach(() => client.destroy());

  for (const [name, program, setting] of kinds)
    it(name, async () => {
      client = await launched({ program, stopOnEntry: true, stopAtEnd: true });
      await client.request('configurationDone');
      let stopped = await client.event<Stopped>('stopped');
      const [request, args] = await setting(client);
      await client.request(request, args);
      const go = async (command: string) => {
        await client.request(command, { threadId: stopped.threadId });
        stopped = await client.event<Stopped>('stopped');
        const { step } = await client.request<{ step: number }>('lockstep/position', {});
        return [step, stopped.reason, stopped.text, stopped.hitBreakpointIds];
      };
      const there: unknown[] = [];
      let at = await go('continue');
      while (stopped.hitBreakpointIds !== undefined) {
        there.push(at);
        at = await go('continue');
      }
      assert.ok(there.length >= 2, `${there.length} stops on the way there`);
      const back: unknown[] = [];
      at = await go('reverseContinue');
      while (stopped.hitBreakpointIds !== undefined) {
        back.push(at);
        at = await go('reverseContinue');
      }
      assert.deepEqual(back.reverse(), there);
      await client.finish();
    });

  it('print nothing that was printed before', async () => {
    client = await launched({ program: counting });
    const breakpoints = [{ line: line('i = i + 1'), logMessage: 'i is {i}' }];
    await client.request('setBreakpoints', { source: { path: counting }, breakpoints });
    await client.request('configurationDone');
    const { threadId } = await client.event<Stopped>('stopped');
    await client.request('reverseContinue', { threadId });
    await client.event('stopped');
    assert.equal(client.said('console').match(/i is/g)?.length, 3);
    await client.finish();
  });
});
