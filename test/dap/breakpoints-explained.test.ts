/** `exceptionInfo`: what is said of a stop at a failure, an event or a state condition. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Client, fixture, launched } from './client.js';
import type { Stopped } from './looking.js';

const rules = fixture('rules.lockstep');
type Info = DebugProtocol.ExceptionInfoResponse['body'];

describe('what is said of a stop', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const explained = async (scenario: string): Promise<Info> => {
    client = await launched({ program: rules, scenario });
    await client.request('configurationDone');
    const { threadId } = await client.event<Stopped>('stopped');
    return client.request<Info>('exceptionInfo', { threadId });
  };
  const linesOf = (info: Info) => (info.details?.stackTrace ?? '').split('\n');

  it('of a rule of the scenario: the values in it, and who wrote them last', async () => {
    const info = await explained('rule');
    assert.equal(info.exceptionId, 'assertion');
    assert.match(info.description ?? '', /always "few shadow pages": 'limit < 2 \|\| .*' does not hold/);
    const [limit, pages] = linesOf(info);
    assert.match(limit ?? '', /^limit = 2, written by guest at step \d+ in guest \(rules\.lockstep:10\)$/);
    assert.match(
      pages ?? '',
      /^vm\.arch\.n_used_mmu_pages = 4, written by guest at step \d+ in \w+ \(\w+\.ts:\d+\)$/,
    );
    await client.finish();
  });

  it('of a rule about all elements: the first that breaks it', async () => {
    const lines = linesOf(await explained('elements'));
    assert.match(lines[0] ?? '', /^t = vcpu 0 gfn 0x4 -> pfn 0x[0-9a-f]+ RWX D/);
    assert.match(lines[1] ?? '', /^t\.writable = true, written by guest at step \d+ in /);
    assert.match(lines[2] ?? '', /^t\.gfn = 4/);
    await client.finish();
  });

  it('of an assertion: what decided, and not what was never asked', async () => {
    const info = await explained('assert');
    assert.equal(info.description, 'Assertion failed: the sum is wrong');
    const [rule, ...lines] = linesOf(info);
    assert.equal(rule, "'total == want && total > 100' does not hold");
    assert.match(lines[0] ?? '', /^total = 3, written by a at step \d+ in a \(rules\.lockstep:34\)$/);
    assert.match(lines[1] ?? '', /^want = 4, written by b at step \d+ in b \(rules\.lockstep:38\)$/);
    assert.equal(lines[2], '');
    assert.ok(lines.some((l) => /^at b \(.*rules\.lockstep:39:5\)$/.test(l)));
    await client.finish();
  });

  it('of a state condition: the values in it', async () => {
    client = await launched({ program: rules, scenario: 'rule' });
    const filterOptions = [
      { filterId: 'expression', condition: 'vm.arch.n_used_mmu_pages == 3 && limit == 1' },
    ];
    await client.request('setExceptionBreakpoints', { filters: [], filterOptions });
    await client.request('configurationDone');
    const { threadId } = await client.event<Stopped>('stopped');
    const info = await client.request<Info>('exceptionInfo', { threadId });
    assert.equal(info.exceptionId, 'expression');
    assert.match(linesOf(info)[0] ?? '', /^vm\.arch\.n_used_mmu_pages = 3, written by guest /);
    assert.match(linesOf(info)[1] ?? '', /^limit = 1, written by setup /);
    await client.finish();
  });

  it('of an event: its fields, as they are declared to be shown', async () => {
    client = await launched({ program: rules, scenario: 'rule' });
    await client.request('setExceptionBreakpoints', { filters: ['spte'] });
    await client.request('configurationDone');
    const { threadId } = await client.event<Stopped>('stopped');
    const lines = linesOf(await client.request<Info>('exceptionInfo', { threadId }));
    assert.deepEqual(lines.slice(0, 3), ['gfn = 0x0', 'level = 4', 'old = 0x0']);
    assert.match(lines.at(-2) ?? '', /^true: new_present, new_writable/);
    await client.finish();
  });

  it('is refused where nothing of the kind has happened', async () => {
    client = await launched({ program: rules, scenario: 'rule', stopOnEntry: true });
    await client.request('configurationDone');
    const { threadId } = await client.event<Stopped>('stopped');
    assert.match(
      (await client.refused('exceptionInfo', { threadId })).format,
      /not stopped at an event or a failure/,
    );
    await client.finish();
  });
});
