/** What has happened to values: the scopes of changes and locks, the history of a value, and the line that wrote it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched, linesWith } from './client.js';
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

type Place = NonNullable<DebugProtocol.LocationsResponse['body']>;
interface Writes {
  readonly writes: Record<string, unknown>[];
}

const SPTE = 'level == 1 && gfn == 3 && new_writable';
const GUEST = 'thread == "guest"';

describe('what has happened to values', () => {
  let client: Client;
  let threadId: number;
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });

  const at = async (filterId: string, condition: string) => {
    ({ client, threadId } = await kernelAt(filterId, condition));
  };
  const go = async (command: string, thread = threadId) => {
    await client.request(command, { threadId: thread });
    return client.event<Stopped>('stopped');
  };
  const changed = async () => open(client, (await scopesOf(client, threadId)).get('Changed') as number);

  it('tells what has changed since the last stop, and only that', async () => {
    await at('lock.acquired', `lock == "mmu_lock" && ${GUEST}`);
    const first = told(await changed());
    assert.equal(first['vm.mmu_lock.owner'], 'none -> guest');
    assert.equal(first['vcpu[0].cpu'], '-1 -> 0');
    await client.request('setExceptionBreakpoints', { filters: ['spte'] });
    await go('continue');
    const { 'kvm_mmu_page#6.1': page, ...second } = told(await changed());
    assert.equal(page, undefined, 'the root was made before the last stop');
    assert.equal(second['vm.arch.n_used_mmu_pages'], '1 -> 2');
    assert.equal(second['kvm_mmu_page#6.3'], 'new: gfn 0x0 level 3 q0 direct wux !nxe root 0');
    assert.match(second['vm.arch.active_mmu_pages'] ?? '', /^1 added: \[/);
    assert.equal(second['kvm_mmu_page#6.1.spt[0]'], '0 -> 0x60002107 R W X A -> table 0x60002 gfn 0x0');
    assert.equal(second['vm.mmu_lock.owner'], undefined, 'given back and taken again: the same as before');
  });

  it('opens what has changed, and the structure that it is in', async () => {
    await at('spte', SPTE);
    const row = named(await changed(), 'kvm_mmu_page#6.5.spt[3]');
    const inside = told(await open(client, row.variablesReference));
    assert.deepEqual([inside['value'], inside['writable'], inside['gfn']], ['0x60001d37', 'true', '0x3']);
    const counter = named(await changed(), 'vm.arch.n_used_mmu_pages');
    assert.equal(counter.evaluateName, 'vm.arch.n_used_mmu_pages');
    const around = await open(client, counter.variablesReference);
    assert.equal(named(around, 'in vm.arch').value, 'kvm_arch');
  });

  it('says that nothing has changed where nothing has', async () => {
    client = await launched({ program: fixture('values.lockstep'), stopOnEntry: true });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
    assert.deepEqual(
      (await changed()).map((r) => r.name),
      ['(nothing)'],
    );
    await go('next');
    assert.deepEqual(told(await changed()), { big: 'none -> 20988295479420645121' });
  });

  it('shows the locks that are held or waited for, with holder and waiters', async () => {
    await at('lock.acquired', `lock == "mmu_lock" && ${GUEST}`);
    await client.request('setExceptionBreakpoints', { filters: [] });
    await go('next', threadId + 1);
    const locks = await openPath(client, threadId, 'Locks');
    assert.deepEqual(told(locks), { mmu_lock: 'held by guest; other waits' });
    const inside = told(await open(client, named(locks, 'mmu_lock').variablesReference));
    assert.match(inside['holder'] ?? '', /^guest, since step \d+ in \w+ \(\w+\.ts:\d+\)$/);
    assert.match(inside['waiter 1'] ?? '', /^other, in \w+ \(\w+\.ts:\d+\)$/);
    assert.equal(inside['class'], 'kvm->mmu_lock');
  });

  it('has the history of a value under it, the latest write first', async () => {
    await at('spte', SPTE);
    const rows = await openPath(client, threadId, 'mmu', 'vm', 'arch', 'n_used_mmu_pages', 'history');
    assert.deepEqual(
      rows.map((r) => r.value.split(',')[0]),
      ['3 -> 4', '2 -> 3', '1 -> 2', '0 -> 1'],
    );
    assert.match(rows[0]?.value ?? '', /, guest in __direct_map \(direct_map\.ts:\d+\)$/);
    const steps = rows.map((r) => Number(/^step (\d+)$/.exec(r.name)?.[1]));
    assert.deepEqual(
      steps,
      [...steps].sort((a, b) => b - a),
    );
  });

  it('shows a long history by pages', async () => {
    client = await launched({ program: fixture('rising.lockstep') });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
    const page = await openPath(client, threadId, 'Setup', 'n', 'history');
    assert.equal(page.length, 21);
    assert.match(page[0]?.value ?? '', /^49 -> 50, t in t \(rising\.lockstep:\d+\)$/);
    const earlier = await open(client, named(page, '… earlier').variablesReference);
    assert.match(earlier[0]?.value ?? '', /^29 -> 30,/);
    const last = await open(client, named(earlier, '… earlier').variablesReference);
    assert.match(last.at(-1)?.value ?? '', /^none -> 0, setup in setup/);
  });

  it('notes nothing while it looks', async () => {
    client = await launched({ program: fixture('rising.lockstep') });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
    const before = await changed();
    const { id: frameId } = await topFrame(client, threadId);
    const answer = await client.request<{ result: string }>('evaluate', {
      expression: 'twice(n)',
      frameId,
      context: 'hover',
    });
    assert.equal(answer.result, '100');
    assert.deepEqual(await changed(), before);
  });

  const history = async (args: Record<string, unknown>) => client.request<Writes>('lockstep/history', args);

  it('shows the same, by the same numbers, forwards and backwards', async () => {
    await at('lock.acquired', `lock == "mmu_lock" && ${GUEST}`);
    await client.request('setExceptionBreakpoints', { filters: [] });
    const seen = async () => {
      const { stackFrames } = await client.request<Frames>('stackTrace', { threadId });
      const scopes = await scopesOf(client, threadId);
      // What has changed since the last stop is another thing on the way back.
      scopes.delete('Changed');
      const rows: unknown[] = [];
      for (const reference of scopes.values()) rows.push(await open(client, reference));
      rows.push(await openPath(client, threadId, 'mmu', 'vm', 'arch'));
      return JSON.stringify([stackFrames, [...scopes], rows]);
    };
    const forwards = [await seen()];
    for (let k = 0; k < 12; k++) {
      await go('stepIn');
      forwards.push(await seen());
    }
    for (let k = 11; k >= 0; k--) {
      await go('stepBack');
      assert.equal(await seen(), forwards[k], `${k} steps after the first stop`);
    }
    assert.match((await changed())[0]?.name ?? '', /^\(went back from step \d+/);
  });

  it('gives the history of an element and of an expression to a program', async () => {
    await at('spte', SPTE);
    const { id: frameId } = await topFrame(client, threadId);
    const spt = (await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]')).find(
      (r) => r.name === 'spt',
    );
    const byName = await history({ variablesReference: spt?.variablesReference, name: '[3]' });
    assert.equal(byName.writes.length, 1);
    const { step, thread, source, old, new: now } = byName.writes[0] as Record<string, unknown>;
    assert.deepEqual(
      [thread, source, old, now],
      ['guest', 'adapter/emulator/mmu/spte.ts', '0', '0x60001d37 R W X A host mmu -> pfn 0x60001 gfn 0x3'],
    );
    const byQuery = await history({ expression: 'spte(3)', frameId });
    assert.equal(byQuery.writes[0]?.['step'], step, 'the entry is the same, however it is named');
    const one = await history({ expression: 'vm.arch.n_used_mmu_pages', frameId, count: 1 });
    assert.deepEqual([one.writes.length, one.writes[0]?.['old'], one.writes[0]?.['new']], [1, '3', '4']);
    const error = await client.refused('lockstep/history', {
      expression: 'vm.arch.n_used_mmu_pages + 1',
      frameId,
    });
    assert.equal(error.id, 4011);
  });

  it('leads from a value to the line that wrote it, and from a variable to the one that declares it', async () => {
    await at('spte', SPTE);
    const entry = named(
      await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages', '[0]', 'spt'),
      '[3]',
    );
    const place = await client.request<Place>('locations', {
      locationReference: entry.valueLocationReference,
    });
    assert.equal(place.source.path, 'adapter/emulator/mmu/spte.ts');
    const text = readFileSync(place.source.path as string, 'utf8').split('\n');
    assert.match(text[place.line - 1] ?? '', /write64\(sptep, new_spte\)/);
    const slot = named(await openPath(client, threadId, 'Setup'), 'slot');
    const declared = await client.request<Place>('locations', {
      locationReference: slot.declarationLocationReference,
    });
    const kernel = fixture('kernel.lockstep');
    assert.deepEqual(
      [declared.source.path, declared.line],
      [kernel, linesWith(readFileSync(kernel, 'utf8'), 'let slot')[0]],
    );
    const untouched = named(await openPath(client, threadId, 'mmu', 'vm'), 'tlbs_dirty');
    const error = await client.refused('locations', { locationReference: untouched.valueLocationReference });
    assert.equal(error.id, 4016);
  });
});
