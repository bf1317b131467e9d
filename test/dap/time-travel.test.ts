/** Going back: the same states on the way back as on the way there, to breakpoints, to writes, and into other futures. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import fc from 'fast-check';
import { type Client, fixture, launched } from './client.js';
import { type Frames, open, openPath, type Stopped, scopesOf, topFrame } from './looking.js';

const kernel = fixture('kernel.lockstep');
const race = resolve('scenarios/mmu/lost-dirty-log.lockstep');
const RACE = 'protect, then swap bitmaps';

interface Position {
  readonly step: number;
  readonly known: number;
}

describe('time travel in a session', () => {
  let client: Client;
  afterEach(() => client.destroy());

  const stop = () => client.event<Stopped>('stopped');
  const move = async (command: string, args: object = {}) => {
    const stopped = stop();
    await client.request(command, args);
    return stopped;
  };
  const position = () => client.request<Position>('lockstep/position');

  /** Everything that a client looks at after a stop, as it came over the wire. */
  const look = async (threadId: number): Promise<string> => {
    const { threads } = await client.request<DebugProtocol.ThreadsResponse['body']>('threads');
    const stacks = [];
    for (const t of threads) stacks.push(await client.request<Frames>('stackTrace', { threadId: t.id }));
    const shown = [];
    for (const [name, variablesReference] of await scopesOf(client, threadId))
      if (name !== 'Changed') shown.push(name, await client.request('variables', { variablesReference }));
    const arch = await openPath(client, threadId, 'mmu', 'vm', 'arch');
    const { variablesReference } = arch.find((r) => r.name === 'active_mmu_pages') as DebugProtocol.Variable;
    const pages = variablesReference === 0 ? [] : await open(client, variablesReference);
    return JSON.stringify([threads, stacks, shown, pages, await position()], null, 1);
  };

  const entered = async (program: string, args: object = {}) => {
    client = await launched({ program, stopOnEntry: true, ...args });
    const stopped = stop();
    await client.request('configurationDone');
    return stopped;
  };
  const filters = (...filterOptions: object[]) =>
    client.request('setExceptionBreakpoints', { filters: [], filterOptions });

  it('shows the same on the way back as on the way there, whatever the steps were', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('stepIn', 'next', 'stepOut', 'stepIn'), fc.nat({ max: 3 })), {
          minLength: 1,
          maxLength: 25,
        }),
        async (steps) => {
          let { threadId } = await entered(race, { scenario: RACE });
          const seen = [[threadId, await look(threadId)] as const];
          for (const [command, which] of steps) {
            const { threads } = await client.request<DebugProtocol.ThreadsResponse['body']>('threads');
            const chosen = threads[which % threads.length]?.id ?? threadId;
            const stopped = stop();
            await client.request(command, { threadId: chosen });
            ({ threadId } = await stopped);
            seen.push([threadId, await look(threadId)]);
          }
          for (const [id, before] of seen.slice(0, -1).reverse()) {
            const stopped = await move('stepBack', { threadId });
            ({ threadId } = stopped);
            assert.equal(threadId, id);
            const [now, then] = [JSON.parse(await look(threadId)), JSON.parse(before)];
            // What is known of the future is the only thing that is different.
            now[4].known = then[4].known;
            assert.deepEqual(now, then);
          }
          await client.finish();
        },
      ),
      { seed: 3, numRuns: 6 },
    );
  });

  it('runs backwards through the stops of the way there, to the start', async () => {
    await entered(kernel);
    await filters({ filterId: 'spte' }, { filterId: 'lock.acquired', condition: 'lock == "mmu_lock"' });
    const seen: string[] = [];
    for (let s = await move('continue', { threadId: 1 }); s.reason === 'exception'; ) {
      seen.push(`${(await position()).step} ${s.text}`);
      if (seen.length === 12) break;
      s = await move('continue', { threadId: s.threadId });
    }
    for (const before of seen.slice(0, -1).reverse()) {
      const s = await move('reverseContinue', { threadId: 1 });
      assert.equal(`${(await position()).step} ${s.text}`, before);
    }
    const first = await move('reverseContinue', { threadId: 1 });
    assert.equal(first.reason, 'entry');
    assert.equal((await position()).step, 0);
    // And there again: the same stops, by what is recorded.
    for (const there of seen) {
      const s = await move('continue', { threadId: 1 });
      assert.equal(`${(await position()).step} ${s.text}`, there);
    }
    await client.finish();
  });

  it('runs backwards to a line of the scenario and to a line of a kernel function', async () => {
    await entered(kernel);
    await client.request('setBreakpoints', { source: { path: kernel }, breakpoints: [{ line: 10 }] });
    const there = await move('continue', { threadId: 1 });
    const at = await position();
    await move('next', { threadId: there.threadId });
    await move('next', { threadId: there.threadId });
    const back = await move('reverseContinue', { threadId: there.threadId });
    assert.equal(back.reason, 'breakpoint');
    assert.equal((await position()).step, at.step);
    assert.equal((await topFrame(client, back.threadId)).line, 10);
    await client.finish();
  });

  it('goes to the step that wrote a value, and to the one before', async () => {
    await entered(kernel, { stopAtEnd: true });
    await move('continue', { threadId: 1 });
    const name = 'vm.arch.n_used_mmu_pages';
    const value = async () =>
      (await client.request<{ result: string }>('evaluate', { expression: name })).result;
    const values = [await value()];
    for (;;) {
      const response = await client.ask('lockstep/lastWrite', { expression: name });
      if (!response.success) {
        assert.match(response.message ?? '', /nothing before this has written/);
        break;
      }
      const s = await stop();
      assert.equal(s.reason, 'goto');
      assert.match(s.text ?? '', /writes .*n_used_mmu_pages/);
      values.push(await value());
    }
    // Each write adds one page, and each time the run stands before it.
    assert.deepEqual(
      values,
      values.map((_, k) => String(values.length - 1 - k)),
    );
    assert.ok(values.length > 3);
    const next = await move('lockstep/nextWrite', { expression: name });
    assert.match(next.text ?? '', /writes .*n_used_mmu_pages/);
    await client.finish();
  });

  it('steps another thread in the past, says that a future was left, and takes it up again', async () => {
    await entered(race, { scenario: RACE });
    await client.request('setExceptionBreakpoints', { filters: ['invariant'] });
    const failed = await move('continue', { threadId: 1 });
    assert.equal(failed.reason, 'exception');
    const end = (await position()).step;
    // Back to where the recorded run moves one thread, and another could.
    let stopped = failed;
    let targets: readonly { readonly id: number; readonly label: string }[] = [];
    for (let step = end - 1; targets.length < 2; step--) {
      stopped = await move('lockstep/goToStep', { step });
      const { id } = await topFrame(client, stopped.threadId);
      ({ targets } = await client.request<{ targets: typeof targets }>('stepInTargets', { frameId: id }));
    }
    const at = await position();
    assert.equal(at.known, end);
    const said = client.event<{ output: string }>('output', (o) => o.output.includes('new future'));
    await move('stepIn', { threadId: stopped.threadId, targetId: targets[1]?.id });
    assert.match(
      (await said).output,
      new RegExp(
        `a new future begins at step ${at.step}; the one that was known up to step ${end} is kept as future 1`,
      ),
    );
    assert.deepEqual(await position(), { ...at, step: at.step + 1, known: at.step + 1 });
    const { futures } = await client.request<{ futures: { id: number; to: number }[] }>('lockstep/futures');
    assert.deepEqual(
      futures.map((f) => [f.id, f.to]),
      [[1, end]],
    );
    await move('lockstep/takeFuture', { id: 1 });
    assert.equal((await position()).known, end);
    assert.equal((await position()).step, at.step);
    const again = await move('continue', { threadId: 1 });
    assert.equal(again.text, failed.text);
    assert.equal((await position()).step, end);
    await client.finish();
  });

  it('goes to any step, to a line, and to the start of a function', async () => {
    await entered(kernel);
    await filters({ filterId: 'spte', condition: 'level == 1' });
    const there = await move('continue', { threadId: 1 });
    const { step } = await position();
    const seen = await look(there.threadId);
    await move('lockstep/goToStep', { step: 5 });
    assert.equal((await position()).step, 5);
    await move('lockstep/goToStep', { step });
    assert.equal(await look(there.threadId), seen);
    assert.match(
      (await client.refused('lockstep/goToStep', { step: step + 1 })).format,
      /from step 0 to step/,
    );

    const { stackFrames } = await client.request<Frames>('stackTrace', { threadId: there.threadId });
    const fault = stackFrames.find((f) => f.name === 'tdp_page_fault') as DebugProtocol.StackFrame;
    const restarted = await move('restartFrame', { frameId: fault.id });
    const inFault = async () => {
      const frames = await client.request<Frames>('stackTrace', { threadId: restarted.threadId });
      return frames.stackFrames.some((f) => f.name === 'tdp_page_fault');
    };
    assert.ok((await position()).step < step);
    assert.ok(await inFault());
    await move('lockstep/stepBackInto', { threadId: restarted.threadId });
    assert.ok(!(await inFault()));

    await move('lockstep/goToStep', { step });
    const { targets } = await client.request<DebugProtocol.GotoTargetsResponse['body']>('gotoTargets', {
      source: { path: kernel },
      line: 9,
    });
    assert.match(targets[0]?.label ?? '', /^before step \d+: guest in guest$/);
    const gone = await move('goto', { threadId: there.threadId, targetId: targets[0]?.id });
    assert.equal(gone.reason, 'goto');
    assert.equal((await topFrame(client, gone.threadId)).line, 9);
    await client.finish();
  });

  it('goes back beyond what the journal keeps, by running again from the start', async () => {
    await entered(fixture('long.lockstep'), {
      args: ['--set', 'rounds=1500'],
      history: 1000,
      stopAtEnd: true,
    });
    let { threadId } = await move('lockstep/goToStep', { step: 0 });
    for (let k = 0; k < 100; k++) ({ threadId } = await move('stepIn', { threadId }));
    const seen = await look(threadId);
    const { step } = await position();
    await move('continue', { threadId });
    const end = await client.request<{ step: number; earliest: number }>('lockstep/position');
    assert.ok(end.earliest > step, `the journal of ${end.step} steps begins at ${end.earliest}`);
    await move('lockstep/goToStep', { step });
    // The run is another one: its places have other numbers.
    const read = (text: string) =>
      JSON.parse(text, (key, value) => (key === 'valueLocationReference' ? 'a place' : value));
    const [now, then] = [read(await look(threadId)), read(seen)];
    assert.equal(now[4].known, end.step);
    now[4] = then[4];
    assert.deepEqual(now, then);
    await move('lockstep/goToStep', { step: end.step });
    assert.deepEqual(await position(), end);
    await client.finish();
  });

  it('cannot go back before a thread has moved, and says so', async () => {
    const { threadId } = await entered(kernel);
    assert.match((await client.refused('stepBack', { threadId })).format, /has not taken a step yet/);
    const s = await move('reverseContinue', { threadId });
    assert.equal(s.reason, 'entry');
    await client.finish();
  });

  it('is not offered in a run without debugging', async () => {
    client = await launched({ program: kernel, noDebug: true });
    const changed = client.event<{ capabilities: DebugProtocol.Capabilities }>('capabilities');
    await client.request('configurationDone');
    assert.equal((await changed).capabilities.supportsStepBack, false);
    await client.event('terminated');
    await client.finish();
  });

  it('stops once more at the end where the launch asks for it, and goes back from there', async () => {
    client = await launched({ program: kernel, stopAtEnd: true });
    const ended = stop();
    await client.request('configurationDone');
    assert.match((await ended).text ?? '', /the run has ended/);
    const { step } = await position();
    await move('lockstep/goToStep', { step: step - 3 });
    const again = await move('continue', { threadId: 1 });
    assert.match(again.text ?? '', /the run has ended/);
    const over = client.event('terminated');
    await client.request('continue', { threadId: 1 });
    await over;
    await client.finish();
  });
});
