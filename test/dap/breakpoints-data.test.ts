/** Data breakpoints: on variables, fields, elements, computed values and memory. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';
import { type Frames, openPath, type Stopped, scopesOf, type Variables } from './looking.js';

const kernel = fixture('kernel.lockstep');
const counting = fixture('counting.lockstep');
type Info = DebugProtocol.DataBreakpointInfoResponse['body'];

describe('data breakpoints', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const info = (args: Partial<DebugProtocol.DataBreakpointInfoArguments> & { name: string }) =>
    client.request<Info>('dataBreakpointInfo', args);
  const set = async (...breakpoints: readonly DebugProtocol.DataBreakpoint[]) =>
    (await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setDataBreakpoints', { breakpoints }))
      .breakpoints;
  const watch = async (name: string, more: Omit<DebugProtocol.DataBreakpoint, 'dataId'> = {}) => {
    const { dataId } = await info({ name });
    assert.ok(dataId !== null, name);
    return set({ dataId, ...more });
  };
  const begin = async (program: string, args = {}) => {
    client = await launched({ program, stopOnEntry: true, ...args });
    await client.request('configurationDone');
    return stop();
  };
  const go = async (threadId: number) => {
    await client.request('continue', { threadId });
    return stop();
  };
  const value = async (expression: string) =>
    (await client.request('evaluate', { expression, context: 'watch' }))['result'];
  /** The row of a name under a path of the Variables pane, with the reference that it is under. */
  const rowOf = async (threadId: number, name: string, scope: string, ...path: string[]) => {
    const parent = path.at(-1);
    let variablesReference = (await scopesOf(client, threadId)).get(scope) as number;
    if (parent !== undefined) {
      const rows: Variables = await openPath(client, threadId, scope, ...path.slice(0, -1));
      variablesReference = rows.find((r) => r.name === parent)?.variablesReference as number;
    }
    return info({ variablesReference, name });
  };

  it('stop at counters, also at those inside others', async () => {
    const { threadId } = await begin(kernel);
    await watch('vm.emulator_stat.exits_by_reason.slow_pf');
    const { text } = await go(threadId);
    assert.match(text ?? '', /^vm\.emulator_stat\.exits_by_reason\.slow_pf: 0 -> 1, in tdp_page_fault/);
    assert.equal(await value('vm.emulator_stat.exits_by_reason.slow_pf'), '1');
    await client.finish();
  });

  it('stop after each write of a variable, and say what it was and is', async () => {
    const { threadId } = await begin(counting);
    const [breakpoint] = await watch('seen');
    assert.equal(breakpoint?.verified, true);
    const stops: (string | undefined)[] = [];
    for (let k = 0; k < 4; k++) {
      const { reason, text, hitBreakpointIds } = await go(threadId);
      assert.deepEqual([reason, hitBreakpointIds], ['data breakpoint', [breakpoint?.id]]);
      stops.push(text?.replace(/, in .*/, ''));
    }
    assert.deepEqual(stops, ['seen: none -> 0', 'seen: 0 -> 1', 'seen: 1 -> 2', 'seen: 2 -> 3']);
    await client.finish();
  });

  it('have conditions with the old and the new value, and the thread', async () => {
    const { threadId } = await begin(counting);
    await watch('seen', { condition: 'old == 3 && new > old + 1 && thread == "b"' });
    assert.match((await go(threadId)).text ?? '', /^seen: 3 -> 13, in b/);
    const [wrong] = await watch('seen', { condition: 'nwe > 1' });
    assert.match(wrong?.message ?? '', /^condition: .*`new`/);
    await client.finish();
  });

  it('count their hits', async () => {
    const { threadId } = await begin(counting);
    await watch('seen', { hitCondition: '>= 4' });
    assert.match((await go(threadId)).text ?? '', /^seen: 2 -> 3/);
    await client.finish();
  });

  it('watch the variable of a thread', async () => {
    const { threadId } = await begin(counting);
    await watch('a.i', { condition: 'new == 2' });
    assert.match((await go(threadId)).text ?? '', /^a\.i: 1 -> 2/);
    await client.finish();
  });

  it('stop at a write that changes nothing, unless the condition says otherwise', async () => {
    const { threadId } = await begin(kernel);
    await watch('vcpu[0].mode', { condition: '!changed' });
    await set();
    await watch('vm.arch.n_used_mmu_pages');
    const { text } = await go(threadId);
    assert.match(text ?? '', /^vm\.arch\.n_used_mmu_pages: 0 -> 1, in \w+ \(\w+\.ts:\d+\)$/);
    assert.equal(await value('vm.arch.n_used_mmu_pages'), '1');
    await client.finish();
  });

  it('watch a field of the Variables pane, and survive a restart', async () => {
    const { threadId } = await begin(kernel);
    const { dataId, accessTypes, canPersist, description } = await rowOf(
      threadId,
      'n_used_mmu_pages',
      'mmu',
      'vm',
      'arch',
    );
    assert.deepEqual(accessTypes, ['read', 'write', 'readWrite']);
    assert.equal(canPersist, true);
    assert.equal(description, 'vm.arch.n_used_mmu_pages');
    await set({ dataId: dataId as string, condition: 'new == 2' });
    const first = await go(threadId);
    await client.request('restart');
    await stop();
    const second = await go(threadId);
    assert.deepEqual(second, first);
    await client.finish();
  });

  it('watch a field of an object that is allocated later in the next run', async () => {
    const { threadId } = await begin(kernel);
    await watch('vm.arch.n_used_mmu_pages', { condition: 'new == 4' });
    const at = await go(threadId);
    const found = await rowOf(at.threadId, 'root_count', 'mmu', 'vm', 'arch', 'active_mmu_pages', '[3]');
    assert.match(found.dataId ?? '', /^object \d+ \d+ kvm_mmu_page#/);
    await set({ dataId: found.dataId as string });
    await client.request('restart');
    const again = await stop();
    assert.match((await go(again.threadId)).text ?? '', /^kvm_mmu_page#\S+\.root_count: 0 -> 1/);
    await client.finish();
  });

  it('stop at reads', async () => {
    const { threadId } = await begin(kernel);
    await watch('vm.mmu_notifier_seq', { accessType: 'read' });
    const { text } = await go(threadId);
    assert.match(text ?? '', /^vm\.mmu_notifier_seq read: 0, in /);
    await client.finish();
  });

  it('do not take looking for reading', async () => {
    const { threadId } = await begin(kernel);
    await watch('vm.arch.n_max_mmu_pages', { accessType: 'read', condition: 'thread == "nobody"' });
    assert.equal(await value('vm.arch.n_max_mmu_pages'), '1048576');
    await client.request('continue', { threadId });
    await client.event('terminated');
    await client.finish();
  });

  it('watch an spte wherever it comes to lie, through the expression that finds it', async () => {
    const { threadId } = await begin(kernel);
    const { dataId, accessTypes, description } = await info({ name: 'spte(3).writable' });
    assert.deepEqual(accessTypes, ['write']);
    assert.equal(description, 'spte(3).writable (when its value changes)');
    await set({ dataId: dataId as string });
    const { text } = await go(threadId);
    assert.match(text ?? '', /^spte\(3\)\.writable: false -> true, in /);
    assert.equal(await value('spte(3).writable'), 'true');
    await client.finish();
  });

  it('watch a bit of an spte of the Variables pane', async () => {
    const { threadId } = await begin(kernel);
    await watch('spte(3).writable');
    const at = await go(threadId);
    const path = ['vm', 'arch', 'active_mmu_pages', '[0]', 'spt', '[3]'];
    const dirty = await rowOf(at.threadId, 'dirty', 'mmu', ...path);
    assert.match(dirty.dataId ?? '', /^memory 0x[0-9a-f]+ 8 \.dirty$/);
    await set({ dataId: dirty.dataId as string });
    assert.match((await go(at.threadId)).text ?? '', /\.spt\[3\]\.dirty: false -> true, in /);
    await client.finish();
  });

  it('watch a whole table of a shadow page', async () => {
    const { threadId } = await begin(kernel);
    await watch('spte(3).writable');
    const at = await go(threadId);
    const table = await rowOf(at.threadId, 'spt', 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]');
    assert.match(table.dataId ?? '', /^memory 0x[0-9a-f]+ 4096$/);
    await set({ dataId: table.dataId as string, condition: 'thread == "other"' });
    assert.match((await go(at.threadId)).text ?? '', /\.spt\[4\]: 0 -> 0x[0-9a-f]+ .*gfn 0x4, in /);
    await client.finish();
  });

  it('watch memory by its address: of the host, and of the guest', async () => {
    const { threadId } = await begin(kernel);
    const guest = await info({ name: 'gpa:0x3000', asAddress: true, bytes: 8 });
    assert.deepEqual(
      [guest.dataId, guest.accessTypes],
      ['space gpa:0x3000 8', ['read', 'write', 'readWrite']],
    );
    await set({ dataId: guest.dataId as string });
    const { text } = await go(threadId);
    assert.match(text ?? '', /^gpa:0x3000: 0x0 -> 0x1, in /);
    const nowhere = await info({ name: '0xffffffffff8', asAddress: true });
    assert.deepEqual(
      [nowhere.dataId, nowhere.description],
      [null, 'there is no memory at 0xffffffffff8 now'],
    );
    assert.match(
      (await client.refused('dataBreakpointInfo', { name: 'here', asAddress: true })).format,
      /is no address/,
    );
    const sptep = await value('spte(3).sptep');
    const word = await info({ name: String(sptep), asAddress: true, bytes: 8 });
    assert.match(word.dataId ?? '', /^memory 0x[0-9a-f]+ 8$/);
    await client.finish();
  });

  it('can be many', async () => {
    const { threadId } = await begin(kernel);
    const ids: string[] = [];
    for (const field of ['n_used_mmu_pages', 'n_max_mmu_pages'])
      ids.push((await info({ name: `vm.arch.${field}` })).dataId as string);
    for (let gfn = 0; gfn < 100; gfn++)
      ids.push((await info({ name: `spte(${gfn}).value` })).dataId as string);
    const all = await set(...ids.map((dataId) => ({ dataId })));
    assert.ok(all.every((b) => b.verified));
    const { hitBreakpointIds } = await go(threadId);
    assert.deepEqual(hitBreakpointIds, [all[0]?.id]);
    await client.finish();
  });

  it('say why something cannot be watched', async () => {
    const { threadId } = await begin(kernel);
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: '__direct_map' }] });
    const { threadId: inside } = await go(threadId);
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId: inside });
    const frameId = stackFrames.find((f) => f.name === '__direct_map')?.id as number;
    const { scopes } = await client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    const variablesReference = scopes[0]?.variablesReference as number;
    const local = await info({ variablesReference, name: 'write' });
    assert.deepEqual([local.dataId, /lies in no memory/.test(local.description)], [null, true]);
    const structure = await info({ variablesReference, name: 'vcpu' });
    assert.deepEqual(
      [structure.dataId, structure.description],
      [null, "'vcpu' is a structure: watch one of its fields"],
    );
    const field = await info({ name: 'vcpu.arch.mmu.root_hpa', frameId });
    assert.deepEqual(
      [field.dataId, field.canPersist],
      ['place vcpu[0].arch.mmu.root_hpa', true],
      'what a local points to has a name of its own',
    );
    assert.match((await info({ name: 'spte(3)' })).description, /is a structure/);
    assert.match((await info({ name: 'nothing.here' })).description, /nothing/);
    const [unknown] = await set({ dataId: 'made up' });
    assert.match(unknown?.message ?? '', /'made up' is no data id/);
    await client.finish();
  });
});
