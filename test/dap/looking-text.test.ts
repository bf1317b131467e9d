/** State as text: what the kernel would print, stacks, JSON, sources, completions, and how values are written. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';
import {
  type Frames,
  kernelAt,
  named,
  open,
  openPath,
  type Stopped,
  scopesOf,
  told,
  topFrame,
} from './looking.js';

const SPTE = 'level == 1 && gfn == 3 && new_writable';

describe('state as text', () => {
  let client: Client;
  let threadId: number;
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });
  const atSpte = async (hello = {}) => {
    ({ client, threadId } = await kernelAt('spte', SPTE, hello));
  };
  const text = async (command: string, args = {}) =>
    (await client.request<{ text: string }>(command, args)).text;
  const json = async (expression: string) => {
    const { id: frameId } = await topFrame(client, threadId);
    return JSON.parse(await text('lockstep/json', { expression, frameId }));
  };

  it('dumps the counters and the shadow tables as KVM does', async () => {
    await atSpte();
    const lines = (await text('lockstep/dump')).split('\n');
    assert.equal(lines[0], '# mmu, step 60');
    assert.ok(lines.includes('/sys/kernel/debug/kvm/mmu_cache_miss: 4'));
    assert.ok(lines.includes('/sys/kernel/debug/kvm/largepages: 0'));
    assert.deepEqual(
      lines.filter((l) => l.startsWith('------')),
      [
        '------ spte 0x60002107 level 4.',
        '------ spte 0x60003107 level 3.',
        '------ spte 0x60004107 level 2.',
        '------ spte 0x60001d37 level 1.',
      ],
    );
    assert.equal(await text('lockstep/dump', { subsystem: 'mmu' }), lines.join('\n'));
    const error = await client.refused('lockstep/dump', { subsystem: 'mnu' });
    assert.match(error.format, /there is no state of 'mnu' to write out; did you mean `mmu`/);
  });

  it('writes out the stacks of all threads, with what each waits for and holds', async () => {
    await atSpte();
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('next', { threadId: threadId + 1 });
    await client.event<Stopped>('stopped');
    const lines = (await text('lockstep/stacks')).split('\n');
    assert.match(lines[0] ?? '', /^guest \(cpu 0; next: .*; holds mmu_lock\)$/);
    assert.match(
      lines[1] ?? '',
      /^ {4}at direct_pte_prefetch \(adapter\/emulator\/mmu\/direct_map\.ts:\d+\)$/,
    );
    assert.ok(lines.includes('other (cpu 1; waits for mmu_lock, held by guest)'), lines.join('\n'));
  });

  it('copies a whole value as JSON, without going round in circles', async () => {
    await atSpte();
    const page = await json('vm.arch.active_mmu_pages[0]');
    assert.deepEqual(Object.keys(page.spt), ['3'], 'only what is in use');
    assert.equal(page.spt['3'].value, '0x60001d37');
    assert.equal(page.spt['3'].sp, '(kvm_mmu_page that contains this)');
    assert.equal(page.slot_bitmap, '0x1');
    assert.equal((await json('vm')).mmu_lock.owner, 'guest');
    assert.deepEqual(await json('slot.npages + 1'), 4097);
    const { variablesReference } = named(await openPath(client, threadId, 'mmu', 'vm'), 'arch');
    const used = await text('lockstep/json', { variablesReference, name: 'n_used_mmu_pages' });
    assert.equal(used, '4');
    assert.equal((await client.refused('lockstep/json', {})).id, 4004);
  });

  it('copies long lists and tables as text, in full', async () => {
    await atSpte();
    const { id: frameId } = await topFrame(client, threadId);
    const copied = async (expression: string) =>
      (await client.request<{ result: string }>('evaluate', { expression, frameId, context: 'clipboard' }))
        .result;
    assert.equal(
      await copied('vm.arch.active_mmu_pages[0].spt'),
      '[3] 0x60001d37 R W X A host mmu -> pfn 0x60001 gfn 0x3',
    );
    assert.equal((await copied('vm.arch.active_mmu_pages')).split('gfn').length, 5);
    assert.equal(await copied('vm.arch'), 'kvm_arch');
  });

  it('lists the sources: the scenario, and the models in use', async () => {
    await atSpte();
    const { sources } = await client.request<DebugProtocol.LoadedSourcesResponse['body']>('loadedSources');
    assert.equal(sources[0]?.path, fixture('kernel.lockstep'));
    const models = sources.slice(1);
    assert.ok(models.some((s) => s.path === 'adapter/emulator/mmu/fast_page_fault.ts'));
    for (const { path, sourceReference } of models.slice(0, 3)) {
      const { content } = await client.request<{ content: string }>('source', { sourceReference });
      assert.match(content, /Step</, path);
    }
  });

  it('shows addresses of kernel locals and of fields alike, in bytes', async () => {
    await atSpte();
    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId });
    const frameId = stackFrames.find((f) => f.name === '__direct_map')?.id;
    const { scopes } = await client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    const locals = told(await open(client, scopes[0]?.variablesReference as number));
    assert.deepEqual(
      [locals['sptep'], locals['table'], locals['addr']],
      ['0x60004018', '0x60004000', '0x3000'],
    );
    assert.match(locals['m'] ?? '', /gfn: 0x3, pfn: 0x60001/);
    const result = async (expression: string) =>
      (await client.request<{ result: string }>('evaluate', { expression, frameId })).result;
    assert.equal(await result('sptep == spte(3).sptep && sptep == 0x60004018'), 'true');
    assert.equal(await result('spte(3).sptep'), '0x60004018');
    assert.equal(await result('spte(3).sp.parent_ptes'), '0x60003000');
  });

  it('names the bits of flags and sptes, and writes integers in hexadecimal on request', async () => {
    await atSpte();
    const { id: frameId } = await topFrame(client, threadId);
    const result = async (expression: string, format = {}) =>
      (await client.request<{ result: string }>('evaluate', { expression, frameId, format })).result;
    assert.equal(await result('vm.vcpus[1].requests'), 'KVM_REQ_MMU_RELOAD');
    assert.equal(await result('slot.npages'), '4096');
    assert.equal(await result('slot.npages', { hex: true }), '0x1000');
    const scopes = await scopesOf(client, threadId);
    const hex = await open(client, scopes.get('Counters') as number, { format: { hex: true } });
    assert.equal(named(hex, 'steps').value, '0x3c');
  });

  it('completes names of the frame, and fields after a dot', async () => {
    await atSpte();
    const { id: frameId } = await topFrame(client, threadId);
    const complete = async (typed: string) =>
      (
        await client.request<DebugProtocol.CompletionsResponse['body']>('completions', {
          frameId,
          text: typed,
          column: typed.length + 1,
        })
      ).targets;
    const labels = async (typed: string) => (await complete(typed)).map((t) => t.label);
    assert.deepEqual(await labels('vm.arch.n_'), ['n_used_mmu_pages', 'n_max_mmu_pages']);
    assert.ok((await labels('sp')).includes('sptep'), 'a local of the kernel function');
    assert.ok((await labels('')).includes('slot'), "a variable of 'setup'");
    assert.deepEqual(await labels('vcpu[0].wri'), [], 'operations cannot be called here');
    assert.ok((await labels('sp.root_')).includes('root_count'), 'fields of a local, by its value');
    assert.deepEqual(await labels('guest.'), ['seen']);
    assert.deepEqual(await labels('))).'), []);
    const [used] = await complete('1 + vm.arch.n_us');
    assert.deepEqual([used?.start, used?.length], [12, 4]);
  });

  it('tells VS Code which values are kept somewhere, so that its menus can offer their history', async () => {
    await atSpte({ clientID: 'vscode' });
    const rows = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]');
    const context = (name: string) =>
      (named(rows, name) as { __vscodeVariableMenuContext?: string }).__vscodeVariableMenuContext;
    assert.deepEqual([context('root_count'), context('level')], ['cell', 'value']);
  });

  it('opens a table of which all 512 entries are in use by pages', async () => {
    client = await launched({ program: fixture('full-table.lockstep') });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
    const page = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]');
    const spt = named(page, 'spt');
    assert.equal(spt.indexedVariables, 512);
    const last = await open(client, spt.variablesReference, { filter: 'indexed', start: 500, count: 100 });
    assert.deepEqual([last.length, last[11]?.name], [12, '[511]']);
    assert.match(last[11]?.value ?? '', / gfn 0x1ff$/);
    const { writes } = await client.request<{ writes: { new: string }[] }>('lockstep/history', {
      variablesReference: spt.variablesReference,
      name: '[511]',
    });
    assert.equal(writes[0]?.new, last[11]?.value);
  });
});
