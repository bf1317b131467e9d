/** The person is the scheduler: who moves next, how far, and who does not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client, fixture, launched, linesWith } from './client.js';
import { type Stopped, topFrame } from './looking.js';

const counting = fixture('counting.lockstep');
const race = fixture('lock-race.lockstep');
const several = fixture('several.lockstep');
const lineIn = (file: string, word: string) => linesWith(readFileSync(file, 'utf8'), word)[0] as number;

describe('the person as the scheduler', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const move = async (command: string, args: object) => {
    await client.request(command, args);
    return stop();
  };
  const threads = async () => (await client.request<{ threads: DebugProtocol.Thread[] }>('threads')).threads;
  const names = async () => (await threads()).map((t) => t.name);
  /** Ids of the threads by their names. */
  const ids = async (): Promise<Record<string, number>> =>
    Object.fromEntries((await threads()).map((t) => [t.name.split(' ')[0], t.id]));

  /** A session that stands where the threads begin. */
  const begun = async (program: string, first: string, more = {}) => {
    client = await launched({ program, ...more });
    await client.request('setBreakpoints', {
      source: { path: program },
      breakpoints: [{ line: lineIn(program, first) }],
    });
    await client.request('configurationDone');
    await stop();
    await client.request('setBreakpoints', { source: { path: program }, breakpoints: [] });
    return ids();
  };
  const raceBegun = () => begun(race, 'vcpu[0].write(0x5000, 2)');

  describe('one thread', () => {
    it('runs to the next lock, and from there to the one after it', async () => {
      const { guest } = await raceBegun();
      for (const lock of ['slots_lock', 'mmu_lock']) {
        const at = await move('lockstep/run', { threadId: (await ids())['migration'], to: 'lock' });
        assert.equal(at.reason, 'step');
        const { result } = await client.request<{ result: string }>('evaluate', {
          expression: 'vm.mmu_lock.held',
          frameId: (await topFrame(client, at.threadId)).id,
        });
        assert.equal(result, 'false', `stands before ${lock}`);
      }
      assert.equal(
        (await topFrame(client, guest as number)).line,
        lineIn(race, '0x5000'),
        'the guest has not moved',
      );
      await client.finish();
    });

    it('runs to its end, and the others have not moved', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      const at = await move('lockstep/run', { threadId: a, to: 'end' });
      assert.equal(at.text, 'a has ended');
      assert.equal(at.threadId, b);
      assert.equal((await topFrame(client, b as number)).line, lineIn(counting, 'let j = 10'));
      await client.finish();
    });

    it('runs until it is blocked, and says by whom', async () => {
      const { guest, migration } = await raceBegun();
      await move('lockstep/run', { threadId: migration, to: 'lock' });
      await move('lockstep/run', { threadId: migration, to: 'lock' });
      await move('stepIn', { threadId: migration });
      const at = await move('lockstep/run', { threadId: guest, to: 'blocked' });
      assert.match(String(at.text), /^guest waits for mmu_lock, held by migration$/);
      assert.match((await names()).join('\n'), /^guest \(cpu 0\) waits for mmu_lock, held by migration$/m);
      await client.finish();
    });

    it('stops at breakpoints on the way', async () => {
      const { a } = await begun(counting, 'let i = 0');
      await client.request('setBreakpoints', {
        source: { path: counting },
        breakpoints: [{ line: lineIn(counting, 'i = i + 1') }],
      });
      assert.equal((await move('lockstep/run', { threadId: a, to: 'end' })).reason, 'breakpoint');
      await client.finish();
    });

    it('runs alone on `continue` with `singleThread`', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      const body = await client.request('continue', { threadId: a, singleThread: true });
      assert.deepEqual(body, { allThreadsContinued: false });
      assert.equal((await stop()).text, 'a has ended');
      assert.equal((await topFrame(client, b as number)).line, lineIn(counting, 'let j = 10'));
      await client.finish();
    });

    it('steps alone with `singleThread`, also where stepping follows the schedule', async () => {
      const { a, b } = await begun(counting, 'let i = 0', {
        stepFollowsSchedule: true,
        args: ['--policy', 'round_robin'],
      });
      for (let k = 0; k < 3; k++) await move('next', { threadId: a, singleThread: true });
      assert.equal((await topFrame(client, b as number)).line, lineIn(counting, 'let j = 10'));
      await client.finish();
    });
  });

  describe('one thread, backwards', () => {
    it('takes back its own last step on `stepBack` with `singleThread`, and what others did after it', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      const line = lineIn(counting, 'let i = 0');
      await move('next', { threadId: a });
      await move('next', { threadId: b });
      const at = await move('stepBack', { threadId: a, singleThread: true });
      assert.equal(at.threadId, a);
      assert.equal((await topFrame(client, a as number)).line, line);
      assert.equal((await topFrame(client, b as number)).line, lineIn(counting, 'let j = 10'));
      await client.finish();
    });

    it('goes back to its own stops on `reverseContinue` with `singleThread`', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      const [ours, theirs] = [lineIn(counting, 'let i = 0'), lineIn(counting, 'let j = 10')];
      for (const [singleThread, line] of [
        [false, theirs],
        [true, ours],
      ] as const) {
        await move('next', { threadId: a });
        await move('next', { threadId: b });
        await client.request('setBreakpoints', {
          source: { path: counting },
          breakpoints: [{ line: ours }, { line: theirs }],
        });
        const at = await move('reverseContinue', { threadId: a, singleThread });
        assert.equal((await topFrame(client, at.threadId)).line, line);
        await client.request('setBreakpoints', { source: { path: counting }, breakpoints: [] });
      }
      await client.finish();
    });
  });

  describe('the schedule', () => {
    it('runs until it would move another thread', async () => {
      const { b } = await begun(counting, 'let i = 0');
      const at = await move('lockstep/run', { threadId: b, to: 'switch' });
      assert.equal(at.text, 'the schedule moves b next');
      assert.equal(at.threadId, b);
      assert.match(client.said('stdout'), /a is done/);
      await client.finish();
    });

    it('does not move what is frozen, and moves it again once it is thawed', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      await client.request('lockstep/freeze', { threadId: a, frozen: true });
      assert.deepEqual(await names(), ['a (cpu 0) [frozen]', 'b (cpu 1)']);
      const statement = await move('continue', { threadId: a });
      assert.equal(statement.threadId, b, 'the breakpoint statement of b');
      const held = await move('continue', { threadId: b });
      assert.equal(held.text, 'the schedule can go on only with a, which is frozen');
      assert.equal(held.threadId, a);
      assert.match(client.said('console'), /can go on only with a, which is frozen\n/);
      await client.request('lockstep/freeze', { threadId: a, frozen: false });
      await client.request('continue', { threadId: a });
      await client.event('terminated');
      assert.match(client.said('stdout'), /b is done.*\na is done/);
      await client.finish();
    });

    it('holds up an exact schedule that would move a frozen thread', async () => {
      const { a, b } = await begun(fixture('exact.lockstep'), 'let x = 1');
      await client.request('lockstep/freeze', { threadId: b, frozen: true });
      const at = await move('continue', { threadId: a });
      assert.equal(at.text, 'the schedule can go on only with b, which is frozen');
      await client.finish();
    });

    it('takes another way than the known one when the thread of that is frozen in the past', async () => {
      const { a, b } = await begun(counting, 'let i = 0');
      await move('next', { threadId: a });
      await move('next', { threadId: a });
      await move('stepBack', { threadId: a });
      await client.request('lockstep/freeze', { threadId: a, frozen: true });
      const at = await move('continue', { threadId: a });
      assert.equal(at.threadId, b, 'the breakpoint statement of b');
      const { futures } = await client.request<{ futures: unknown[] }>('lockstep/futures');
      assert.equal(futures.length, 1);
      await client.finish();
    });

    it('lets a person step what is frozen', async () => {
      const { a } = await begun(counting, 'let i = 0');
      await client.request('lockstep/freeze', { threadId: a, frozen: true });
      const before = await topFrame(client, a as number);
      await move('next', { threadId: a });
      assert.notEqual((await topFrame(client, a as number)).line, before.line);
      await client.finish();
    });

    it('tells a client that wants to know that the threads are shown otherwise now', async () => {
      client = Client.spawn();
      await client.request('initialize', { adapterID: 'lockstep', supportsInvalidatedEvent: true });
      await client.request('launch', { program: counting, stopOnEntry: true });
      await client.event('initialized');
      await client.request('configurationDone');
      const { threadId } = await stop();
      await client.request('lockstep/freeze', { threadId, frozen: true });
      assert.deepEqual(await client.event('invalidated'), { areas: ['threads'] });
      await client.finish();
    });
  });

  describe('step-in targets', () => {
    const targets = async (threadId: number) => {
      const { id } = await topFrame(client, threadId);
      return (
        await client.request<DebugProtocol.StepInTargetsResponse['body']>('stepInTargets', { frameId: id })
      ).targets;
    };

    it('are the threads that can move, the one of the frame first, with what each does next', async () => {
      const { guest, migration } = await raceBegun();
      await move('lockstep/run', { threadId: migration, to: 'lock' });
      assert.deepEqual(await targets(migration as number), [
        { id: migration, label: 'migration (cpu 1), next: lock slots_lock in kvm_vm_ioctl_get_dirty_log' },
        { id: guest, label: `guest (cpu 0), next: line ${lineIn(race, '0x5000')}` },
      ]);
      await client.finish();
    });

    it('choose who moves', async () => {
      const { guest, migration } = await raceBegun();
      const at = await move('stepIn', { threadId: guest, targetId: migration });
      assert.equal(at.threadId, migration);
      assert.equal((await topFrame(client, guest as number)).line, lineIn(race, '0x5000'));
      await client.finish();
    });

    it('leave out who cannot move, and refuse it', async () => {
      const { waiter } = await begun(fixture('endless.lockstep'), 'while true');
      const { spinner } = await ids();
      await move('next', { threadId: waiter });
      assert.deepEqual(
        (await targets(waiter as number)).map((t) => t.id),
        [spinner],
      );
      assert.equal((await client.refused('stepIn', { threadId: spinner, targetId: waiter })).id, 3011);
      await client.finish();
    });
  });

  it('refuses words that mean nothing', async () => {
    client = await launched({ program: several, scenario: 'calls', stopOnEntry: true });
    await client.request('configurationDone');
    const { threadId } = await stop();
    for (const [command, args] of [
      ['lockstep/run', { threadId, to: 'unlock' }],
      ['lockstep/run', { threadId, to: 'constructor' }],
      ['lockstep/freeze', { threadId, frozen: 'yes' }],
      ['lockstep/schedule', { form: 'paper' }],
    ] as const)
      assert.equal((await client.refused(command, args)).id, 1006);
    assert.equal((await client.refused('lockstep/freeze', { threadId: 99, frozen: true })).id, 3002);
    await client.finish();
  });
});
