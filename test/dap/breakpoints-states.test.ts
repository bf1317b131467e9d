/** State conditions and event breakpoints: exception filters, and the list that stands beside them. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client, fixture, HELLO, launched } from './client.js';
import type { Stopped } from './looking.js';

const kernel = fixture('kernel.lockstep');
const counting = fixture('counting.lockstep');
type Set = { breakpoints: DebugProtocol.Breakpoint[] };

describe('state conditions', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const set = async (...conditions: readonly (string | undefined)[]) => {
    const filterOptions = conditions.map((condition) => ({ filterId: 'expression', condition }));
    return (await client.request<Set>('setExceptionBreakpoints', { filters: [], filterOptions })).breakpoints;
  };

  it('stop when an expression becomes true, and again when it has been false in between', async () => {
    client = await launched({ program: counting });
    const [breakpoint] = await set('seen % 2 == 1');
    await client.request('configurationDone');
    const stops: (string | undefined)[] = [];
    for (let k = 0; k < 2; k++) {
      const { threadId, reason, description, text, hitBreakpointIds } = await stop();
      assert.deepEqual([reason, description], ['exception', 'Paused on state condition']);
      assert.deepEqual(hitBreakpointIds, [breakpoint?.id]);
      const seen = (await client.request('evaluate', { expression: 'seen' }))['result'];
      stops.push(`${seen}: ${text}`);
      await client.request('continue', { threadId });
    }
    const true_ = "'seen % 2 == 1' has become true, in";
    assert.deepEqual(stops, [`1: ${true_} a (counting.lockstep:10)`, `3: ${true_} a (counting.lockstep:10)`]);
    await client.finish();
  });

  it('may look at anything that a rule may look at', async () => {
    client = await launched({ program: kernel });
    await set('any t in tlb_entries : t.gfn == 4 && t.writable');
    await client.request('configurationDone');
    const { text } = await stop();
    assert.match(text ?? '', /has become true, in \w+ \(\w+\.ts:\d+\)$/);
    const seen = await client.request('evaluate', { expression: 'any t in tlb_entries : t.gfn == 4' });
    assert.equal(seen['result'], 'true');
    await client.finish();
  });

  it('can be several, and each says what is wrong with it', async () => {
    client = await launched({ program: counting });
    const found = await set('seen == 2', undefined, 'sen == 2', 'seen', 'seen == 3');
    assert.deepEqual(
      found.map((b) => b.verified),
      [true, false, false, false, true],
    );
    assert.match(found[1]?.message ?? '', /needs its expression/);
    assert.match(found[2]?.message ?? '', /`seen`/);
    await client.request('configurationDone');
    assert.deepEqual((await stop()).hitBreakpointIds, [found[0]?.id]);
    await client.finish();
  });

  it('do not stop where they are true already', async () => {
    client = await launched({ program: counting, stopOnEntry: true });
    await client.request('configurationDone');
    const { threadId } = await stop();
    await set('1 == 1');
    await client.request('continue', { threadId });
    assert.equal((await stop()).text, 'breakpoint statement');
    await client.finish();
  });

  it('stand beside events in one request, in its order', async () => {
    client = await launched({ program: kernel });
    const { breakpoints } = await client.request<Set>('setExceptionBreakpoints', {
      filters: ['spte'],
      filterOptions: [
        { filterId: 'expression', condition: 'vm.arch.n_used_mmu_pages == 2' },
        { filterId: 'lock.acquired', condition: 'lock == "slots_lock"' },
        { filterId: 'no.such.event' },
      ],
    });
    assert.deepEqual(
      breakpoints.map((b) => b.verified),
      [true, true, true, false],
    );
    await client.request('configurationDone');
    assert.deepEqual((await stop()).hitBreakpointIds, [breakpoints[2]?.id]);
    await client.finish();
  });
});

describe('conditions of events', () => {
  let client: Client;
  afterEach(() => client.destroy());

  it('have every field of every kind of event in scope, and its thread', async () => {
    client = Client.spawn();
    const { exceptionBreakpointFilters: filters = [] } = await client.request<DebugProtocol.Capabilities>(
      'initialize',
      HELLO,
    );
    await client.request('launch', { program: kernel });
    await client.event('initialized');
    const kinds = filters.filter((f) => f.filter !== 'expression');
    const filterOptions = kinds.map((f) => {
      const names = f.conditionDescription?.replace('an expression over ', '').split(', ') ?? [];
      assert.ok(names.length >= 2 && names.includes('thread'), f.filter);
      return { filterId: f.filter, condition: names.map((n) => `${n} != none`).join(' || ') };
    });
    const { breakpoints } = await client.request<Set>('setExceptionBreakpoints', {
      filters: [],
      filterOptions,
    });
    const refused = breakpoints.flatMap((b, i) => (b.verified ? [] : [`${kinds[i]?.filter}: ${b.message}`]));
    assert.deepEqual(refused, []);
    const ids = kinds.map((f) => f.filter);
    for (const id of [
      'spte',
      'lock.acquired',
      'lock.released',
      'lock.contended',
      'tlb.flush',
      'memory.allocated',
    ])
      assert.ok(ids.includes(id), id);
    await client.finish();
  });

  it('can speak of the object that was allocated', async () => {
    client = await launched({ program: kernel });
    await client.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [
        { filterId: 'memory.allocated', condition: 'type == "kvm_mmu_page" && object.level < 3' },
      ],
    });
    await client.request('configurationDone');
    const { text } = await client.event<Stopped>('stopped');
    assert.match(text ?? '', /^kvm_mmu_page#\d+\.\d+ allocated, in /);
    await client.finish();
  });
});

describe('events of a view beside the exception filters', () => {
  let client: Client;
  afterEach(() => client.destroy());
  const stop = () => client.event<Stopped>('stopped');

  it('are listed under headings, with what their conditions can name', async () => {
    client = await launched({ program: kernel });
    type Groups = { groups: { name: string; events: { id: string; hint: string; default: boolean }[] }[] };
    const { groups } = await client.request<Groups>('lockstep/events');
    assert.deepEqual(
      groups.map((g) => g.name),
      ['Failures', 'Locks', 'Memory', 'Shadow MMU', 'Tracepoints'],
    );
    const spte = groups.flatMap((g) => g.events).find((e) => e.id === 'spte');
    assert.match(spte?.hint ?? '', /gfn, level, old, new, .*thread$/);
    assert.equal(spte?.default, false);
    await client.finish();
  });

  it('stop besides those of the filters, and go without them', async () => {
    client = await launched({ program: kernel, stopOnEntry: true });
    await client.request('setExceptionBreakpoints', { filters: ['lock.acquired'] });
    const { breakpoints } = await client.request<Set>('lockstep/setEvents', {
      events: [{ id: 'spte', condition: 'level == 4' }, { id: 'spt' }],
    });
    assert.deepEqual(
      breakpoints.map((b) => b.verified),
      [true, false],
    );
    assert.match(breakpoints[1]?.message ?? '', /`spte`/);
    await client.request('configurationDone');
    let stopped = await stop();
    const hits: string[] = [];
    while (!hits.includes('spte')) {
      await client.request('continue', { threadId: stopped.threadId });
      stopped = await stop();
      hits.push(stopped.hitBreakpointIds?.includes(breakpoints[0]?.id ?? -1) ? 'spte' : 'lock');
    }
    assert.ok(hits.includes('lock'));
    await client.request('lockstep/setEvents', { events: [] });
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('continue', { threadId: stopped.threadId });
    await client.event('terminated');
    await client.finish();
  });
});
