/** Setting values and memory: what can be set, what cannot, and that it becomes part of the run. */
import assert from 'node:assert/strict';
import { type Client, fixture, launched } from './client.js';
import { kernelAt, named, open, openPath, type Stopped, scopesOf, told, topFrame } from './looking.js';

const SPTE = 'level == 1 && gfn == 3 && new_writable';
const PAGE = ['mmu', 'vm', 'arch', 'active_mmu_pages', '[0]'] as const;

interface Memory {
  readonly address: string;
  readonly data?: string;
  readonly unreadableBytes?: number;
}

describe('setting', () => {
  let client: Client;
  let threadId: number;
  afterEach(async () => {
    await client.finish();
    client.destroy();
  });
  const atSpte = async () => {
    ({ client, threadId } = await kernelAt('spte', SPTE, {
      supportsInvalidatedEvent: true,
      supportsMemoryReferences: true,
    }));
  };
  /** The reference under which the rows of a path are. */
  const under = async (scope: string, ...path: string[]) => {
    let reference = (await scopesOf(client, threadId)).get(scope) as number;
    for (const name of path) reference = named(await open(client, reference), name).variablesReference;
    return reference;
  };
  const set = async (variablesReference: number, name: string, value: string) =>
    client.request<{ value: string }>('setVariable', { variablesReference, name, value });
  const evaluate = async (expression: string) => {
    const { id: frameId } = await topFrame(client, threadId);
    return (await client.request<{ result: string }>('evaluate', { expression, frameId })).result;
  };

  it('sets fields of every kind, in the words of the language', async () => {
    await atSpte();
    const vcpu = await under('mmu', 'vcpu', '[0]');
    for (const [name, value] of [
      ['cpu', '3'],
      ['mode', 'EXITING_GUEST_MODE'],
      ['requests', 'KVM_REQ_TLB_FLUSH | KVM_REQ_MMU_SYNC'],
    ] as const)
      assert.equal((await set(vcpu, name, value)).value, value);
    const cpu = await under('mmu', 'cpus', '[1]');
    assert.equal((await set(cpu, 'irqs_off', 'true')).value, 'true');
    assert.equal(await evaluate('vm.vcpus[0].mode'), 'EXITING_GUEST_MODE');
    await client.event('invalidated');
  });

  it('sets an spte as a word, and by the names of its bits', async () => {
    await atSpte();
    const spt = await under(...PAGE, 'spt');
    const entry = named(await open(client, spt), '[3]').variablesReference;
    assert.equal((await set(entry, 'writable', 'false')).value, 'false');
    assert.equal(
      named(await open(client, spt), '[3]').value,
      '0x60001d35 R X A host mmu -> pfn 0x60001 gfn 0x3',
    );
    assert.equal((await set(entry, 'pfn', '0x1234')).value, '0x1234');
    assert.equal(
      (await set(spt, '[3]', '0x60001d37')).value,
      '0x60001d37 R W X A host mmu -> pfn 0x60001 gfn 0x3',
    );
    assert.equal(told(await open(client, entry))['writable'], 'true');
  });

  it('says why something cannot be set, and marks it as read-only', async () => {
    await atSpte();
    const { id } = await topFrame(client, threadId);
    const refuse = async (reference: number, name: string, value = '1') => {
      const row = named(await open(client, reference), name);
      assert.deepEqual(row.presentationHint?.attributes, ['readOnly'], name);
      return (await client.refused('setVariable', { variablesReference: reference, name, value })).format;
    };
    assert.match(
      await refuse(await under('mmu', 'vcpu', '[0]'), 'vcpu_id'),
      /'vcpu_id' cannot be set: it is decided when the object is made/,
    );
    assert.match(
      await refuse(await under('mmu', 'vm', 'mmu_lock'), 'owner'),
      /locks are taken and given back by kernel code alone/,
    );
    assert.match(await refuse(await under(...PAGE), 'level'), /computed from other values/);
    assert.match(
      await refuse(await under('mmu', 'vm', 'arch', 'active_mmu_pages'), '[0]'),
      /changed by kernel code alone/,
    );
    assert.match(await refuse(await under('Locals'), 'sptep'), /local of a kernel function/);
    assert.match(await refuse(await under('mmu'), 'vm'), /always the same/);
    const error = await client.refused('setExpression', {
      expression: 'vm.arch.n_used_mmu_pages + 1',
      value: '2',
      frameId: id,
    });
    assert.match(error.format, /only variables, fields and elements can be set/);
  });

  it('says what is wrong with a value', async () => {
    await atSpte();
    const vm = await under('mmu', 'vm');
    const refuse = async (value: string) =>
      (await client.refused('setVariable', { variablesReference: vm, name: 'tlbs_dirty', value })).format;
    assert.match(
      await refuse('"text"'),
      /'tlbs_dirty' cannot be set to that: expected an integer, found a string/,
    );
    assert.match(await refuse('vn.tlbs_dirty'), /unknown name 'vn'/);
    assert.match(await refuse('1 +'), /cannot be set to that/);
    assert.match(await refuse(''), /no value/);
    assert.equal(
      (await client.refused('setVariable', { variablesReference: vm, name: 'nothing', value: '1' })).id,
      4010,
    );
    assert.equal(await evaluate('vm.tlbs_dirty'), '0');
  });

  it('sets variables of the scenario in the frame that they are in', async () => {
    client = await launched({ program: fixture('rising.lockstep') });
    await client.request('configurationDone');
    ({ threadId } = await client.event<Stopped>('stopped'));
    const setup = await under('Setup');
    assert.equal((await set(setup, 'n', 'n * 3')).value, '150');
    assert.equal(named(await open(client, setup), 'n').value, '150', 'what was open already shows it');
    const { id: frameId } = await topFrame(client, threadId);
    const answer = await client.request('setExpression', { expression: 'n', value: '7', frameId });
    assert.equal(answer['value'], '7');
    await client.request('continue', { threadId });
    await client.event('exited');
    assert.match(client.said('stdout'), /^7$/m);
  });

  it('runs assignments in the debug console', async () => {
    await atSpte();
    const { id: frameId } = await topFrame(client, threadId);
    const run = (expression: string, context = 'repl') =>
      client.ask('evaluate', { expression, frameId, context });
    assert.equal((await run('vm.tlbs_dirty += 3')).body.result, '3');
    assert.equal((await run('vm.vcpus[0].mode = IN_GUEST_MODE')).body.result, 'IN_GUEST_MODE');
    assert.match((await run('sptep = 3')).message ?? '', /local of a kernel function/);
    assert.match((await run('vm.tlbs_dirty = none.x')).message ?? '', /cannot be set to that/);
    assert.equal((await run('vm.tlbs_dirty = 4', 'watch')).success, false, 'a watch changes nothing');
    assert.equal((await run('vm.tlbs_dirty == 3')).body.result, 'true');
  });

  it('keeps in the history that a value was set by hand', async () => {
    await atSpte();
    const vm = await under('mmu', 'vm');
    await set(vm, 'tlbs_dirty', '7');
    const rows = await openPath(client, threadId, 'mmu', 'vm', 'tlbs_dirty', 'history');
    assert.deepEqual(
      rows.map((r) => r.value),
      ['0 -> 7, set by hand'],
    );
    const { valueLocationReference } = named(await open(client, vm), 'tlbs_dirty');
    assert.equal((await client.refused('locations', { locationReference: valueLocationReference })).id, 4016);
  });

  const read = (memoryReference: string, count: number, offset?: number) =>
    client.request<Memory>('readMemory', {
      memoryReference,
      count,
      ...(offset === undefined ? {} : { offset }),
    });
  const bytes = (m: Memory) => [...Buffer.from(m.data ?? '', 'base64')];

  it('reads memory of the guest and of shadow pages', async () => {
    await atSpte();
    const page = named(await openPath(client, threadId, 'mmu', 'vm', 'arch', 'active_mmu_pages'), '[0]');
    assert.equal(page.memoryReference, '0x60004000');
    assert.deepEqual(bytes(await read('0x60004000', 8, 24)), [0x37, 0x1d, 0, 0x60, 0, 0, 0, 0]);
    assert.deepEqual(bytes(await read('0x60004000', 2, 25)), [0x1d, 0], 'a part of a word');
    const slot = named(await openPath(client, threadId, 'Setup'), 'slot');
    assert.equal(slot.memoryReference, 'gpa:0x0');
    assert.deepEqual(await read('gpa:0x0', 4096), { address: 'gpa:0x0', unreadableBytes: 4096 });
    assert.deepEqual(await read('gpa:0x0', 16, 0x3000 - 8), { address: 'gpa:0x2ff8', unreadableBytes: 8 });
    assert.equal(bytes(await read('gpa:0x3000', 4096)).length, 4096);
    const end = await read('gpa:0x3000', 5000);
    assert.deepEqual([bytes(end).length, end.unreadableBytes], [4096, 904]);
    assert.deepEqual(await read('0x0', 4, -8), { address: '0x0', unreadableBytes: 4 });
    for (const bad of ['', 'page', '0x', 'hva:0x3000'])
      assert.equal((await client.refused('readMemory', { memoryReference: bad, count: 1 })).id, 4014, bad);
  });

  it('writes memory, and what is shown follows', async () => {
    await atSpte();
    const spt = await under(...PAGE, 'spt');
    const data = Buffer.from([0x35]).toString('base64');
    const answer = await client.request('writeMemory', { memoryReference: '0x60004000', offset: 24, data });
    assert.equal(answer['bytesWritten'], 1);
    assert.equal(
      named(await open(client, spt), '[3]').value,
      '0x60001d35 R X A host mmu -> pfn 0x60001 gfn 0x3',
    );
    await client.event('invalidated');
    const long = Buffer.alloc(8).toString('base64');
    const args = { memoryReference: 'gpa:0x3ffc', data: long };
    assert.equal((await client.refused('writeMemory', args)).id, 4015);
    const part = await client.request('writeMemory', { ...args, allowPartial: true });
    assert.equal(part['bytesWritten'], 4);
  });
});
